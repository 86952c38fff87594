"""``migrate``, ``serve`` and ``worker`` say what they miss before they start anything."""

import pytest

from trunkline.cli.main import run


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "TRUNKLINE_PROVIDERS", "TRUNKLINE_PROJECT"):
        monkeypatch.delenv(name, raising=False)


def test_migrate_makes_the_tables_and_may_be_repeated(
    monkeypatch: pytest.MonkeyPatch, empty_postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_postgres_url)
    assert [run(["migrate"]), run(["migrate"])] == [0, 0]
    assert capsys.readouterr().out.count("up to date") == 2


@pytest.mark.parametrize("verb", ["migrate", "serve", "worker"])
def test_a_missing_database_is_named(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb]) == 1
    assert "DATABASE_URL is not set" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["serve", "worker"])
def test_real_accounts_without_their_keys_are_refused(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUNKLINE_PROVIDERS", "live")
    assert run([verb]) == 4
    assert "not set: ELEVENLABS_API_KEY" in capsys.readouterr().err


def test_a_database_that_does_not_answer_is_could_not_find_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    assert run(["migrate"]) == 3
    assert "Traceback" not in capsys.readouterr().err
