"""Tables are plain columns; ages are short; colour and cutting need a terminal."""

from datetime import UTC, datetime, timedelta

import pytest

from trunkline.cli.printing import age, print_table, table_lines

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "shown"),
    [
        (timedelta(seconds=-5), "0s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(seconds=60), "60s"),
        (timedelta(seconds=200), "3m20s"),
        (timedelta(minutes=3), "3m"),
        (timedelta(minutes=119), "119m"),
        (timedelta(hours=3, minutes=5), "3h5m"),
        (timedelta(hours=47), "47h"),
        (timedelta(days=2, hours=4), "2d4h"),
        (timedelta(days=400), "400d"),
        (timedelta(days=770), "2y40d"),
        (timedelta(days=3650), "10y"),
    ],
)
def test_ages(passed: timedelta, shown: str) -> None:
    assert age((NOW - passed).isoformat(), now=NOW) == shown


def test_no_time_is_a_dash() -> None:
    assert age("") == "-"


def test_columns_are_aligned_and_empty_cells_are_dashes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("NAME", "MESSAGE"), [("a", "two\n lines"), ("longer", "")])
    assert capsys.readouterr().out == "NAME     MESSAGE\na        two lines\nlonger   -\n"


def test_without_headers_an_empty_table_prints_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("NAME",), [], headers=False)
    assert capsys.readouterr().out == ""


def test_only_the_last_column_is_cut_to_the_terminal() -> None:
    rows = [("front-desk", "x" * 50)]
    wide = table_lines(("NAME", "MESSAGE"), rows, width=40)
    assert [len(line) for line in wide] == [20, 40]
    assert wide[1].endswith("x…")
    narrow = table_lines(("NAME", "MESSAGE"), rows, width=5)
    assert narrow[1] == "front-desk   " + "x" * 19 + "…"
    assert table_lines(("NAME", "MESSAGE"), rows)[1].endswith("x" * 50)
