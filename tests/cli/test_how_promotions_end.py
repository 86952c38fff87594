"""The exit code of a command that followed a promotion, and of one that ran out of time."""

from datetime import timedelta

import pytest

from trunkline.cli.exits import ExitCode, exit_code_of
from trunkline.cli.promoting.following import out_of_time, outcome
from trunkline.model import errors
from trunkline.model.base import JsonObject


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("Done", ExitCode.DONE),
        ("Failed", ExitCode.FAILED),
        ("Rejected", ExitCode.FAILED),
        ("Aborted", ExitCode.FAILED),
        ("Superseded", ExitCode.FAILED),
        ("RolledBack", ExitCode.FAILED),
        ("Inconclusive", ExitCode.UNKNOWN),
    ],
)
def test_how_it_ended_is_how_the_command_ends(state: str, code: ExitCode) -> None:
    assert outcome({"state": state}) is code


@pytest.mark.parametrize(
    ("phase", "stalled", "code"),
    [
        ("Approval", False, ExitCode.BLOCKED),
        ("Window", False, ExitCode.BLOCKED),
        ("Releasing", True, ExitCode.BLOCKED),
        ("Gate", False, ExitCode.TIMEOUT),
        ("Soak", False, ExitCode.TIMEOUT),
        ("Rollout", False, ExitCode.TIMEOUT),
    ],
)
def test_when_the_time_is_up_it_says_who_is_waited_for(
    phase: str, *, stalled: bool, code: ExitCode, capsys: pytest.CaptureFixture[str]
) -> None:
    found: JsonObject = {
        "id": "production.front-desk.3",
        "phase": phase,
        "stalled": stalled,
        "headline": "so",
    }
    assert out_of_time(found, timedelta(minutes=5)) is code
    assert "production.front-desk.3 is not done after 5m; it goes on: so" in capsys.readouterr().err


def test_a_refused_promotion_is_a_definite_answer() -> None:
    assert exit_code_of(errors.PromotionRefused("no")) is ExitCode.FAILED
    assert exit_code_of(errors.Blocked("suspended")) is ExitCode.BLOCKED
    assert exit_code_of(errors.SigningKeyMissing("none")) is ExitCode.FAILED
    assert exit_code_of(errors.PushUnanswered("silence")) is ExitCode.UNKNOWN
