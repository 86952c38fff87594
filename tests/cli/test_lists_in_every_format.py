"""One description of a list decides what every ``-o`` prints, and what ``--watch`` repeats."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest
import yaml

from trunkline.cli.exits import ExitCode
from trunkline.cli.listing import Column, Listing, member, print_listing
from trunkline.cli.printing import Format
from trunkline.cli.watching import watch
from trunkline.model.base import JsonObject
from trunkline.model.errors import NotFound, ServerUnreachable

PETS = Listing(
    kind="PetList",
    columns=(
        Column("NAME", member("name")),
        Column("KIND", member("kind")),
        Column("TOYS", member("toys"), wide=True),
        Column("NOTE", member("note")),
    ),
    name=lambda pet: f"pet/{member('name')(pet)}",
    empty="No pets. Get one: trunkline pets get NAME",
)
ROWS: list[JsonObject] = [
    {"name": "rex", "kind": "dog", "toys": ["ball", "bone"], "note": None},
    {"name": "tom", "kind": "cat", "toys": {"mouse": "grey"}, "note": "sleeps\x1b[31m"},
]

Captured = pytest.CaptureFixture[str]


def test_a_table_keeps_wide_columns_for_wide(capsys: Captured) -> None:
    print_listing(PETS, ROWS, Format.TABLE)
    assert capsys.readouterr().out.splitlines() == [
        "NAME   KIND   NOTE",
        "rex    dog    -",
        "tom    cat    sleeps[31m",
    ]
    print_listing(PETS, ROWS, Format.WIDE, headers=False)
    assert capsys.readouterr().out.splitlines() == [
        "rex   dog   ball,bone    -",
        "tom   cat   mouse=grey   sleeps[31m",
    ]


def test_documents_have_a_version_and_a_kind(capsys: Captured) -> None:
    print_listing(PETS, ROWS, Format.JSON)
    as_json = json.loads(capsys.readouterr().out)
    print_listing(PETS, ROWS, Format.YAML)
    assert yaml.safe_load(capsys.readouterr().out) == as_json
    assert as_json == {"formatVersion": "1", "kind": "PetList", "items": ROWS}


def test_names_are_one_on_a_line(capsys: Captured) -> None:
    print_listing(PETS, ROWS, Format.NAME)
    assert capsys.readouterr().out == "pet/rex\npet/tom\n"


@pytest.mark.parametrize("style", [Format.TABLE, Format.WIDE, Format.NAME])
def test_nothing_is_said_on_stderr_with_what_to_do(style: Format, capsys: Captured) -> None:
    print_listing(PETS, [], style)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "No pets. Get one: trunkline pets get NAME\n")


def test_nothing_is_a_document_too(capsys: Captured) -> None:
    print_listing(PETS, [], Format.JSON)
    assert json.loads(capsys.readouterr().out)["items"] == []


class Looks:
    """What each look finds; a look may fail. The last one stays."""

    def __init__(self, *looks: Sequence[JsonObject] | Exception) -> None:
        self._looks = list(looks)

    def __call__(self) -> Sequence[JsonObject]:
        found = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        if isinstance(found, Exception):
            raise found
        return found


def changed(row: JsonObject, note: str) -> JsonObject:
    return {**row, "note": note}


def follow(looks: Looks, timeout: timedelta = timedelta(minutes=2)) -> ExitCode:
    def show(now: Sequence[JsonObject], before: Sequence[JsonObject] | None) -> None:
        print_listing(PETS, [row for row in now if row not in (before or ())], Format.TABLE)

    return watch(looks, show, timeout=timeout, interval_s=0.005)


def test_a_watch_outlives_a_server_that_restarts(capsys: Captured) -> None:
    away = ServerUnreachable("The server does not answer")
    looks = Looks(ROWS[:1], away, away, [changed(ROWS[0], "is back")], NotFound("gone"))
    with pytest.raises(NotFound):
        follow(looks)
    out, err = capsys.readouterr()
    assert "is back" in out
    assert err.count("does not answer") == 1
    assert "Still watching" in err


def test_a_watch_ends_when_its_time_is_up(capsys: Captured) -> None:
    assert follow(Looks(ROWS), timeout=timedelta(seconds=0.1)) is ExitCode.DONE
    assert capsys.readouterr().out.count("rex") == 1


def test_a_watch_ends_at_once_if_there_is_nothing_to_watch(capsys: Captured) -> None:
    with pytest.raises(ServerUnreachable):
        follow(Looks(ServerUnreachable("no")))
    with pytest.raises(NotFound):
        follow(Looks(ROWS, NotFound("gone")))
    assert "rex" in capsys.readouterr().out
