"""Suspending, disabling and asking why over HTTP and by command: who may, what is answered."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.conditions import Condition
from trunkline.model.interventions import Intervention
from trunkline.model.records import StatusRecord

Command = Callable[..., Awaitable[tuple[int, str, str]]]


def in_an_hour() -> datetime:
    """Seen from when a test asks, not from when all were collected."""
    return datetime.now(UTC) + timedelta(hours=1)


@pytest.mark.usefixtures("fleet")
async def test_a_suspension_shows_at_once_and_goes_again(
    viewer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    end = in_an_hour()
    order = {"environment": "testing", "reason": "audit", "until": end.isoformat()}
    assert (await viewer.post("suspend", json=order)).status_code == 403
    decided = await admin.post("suspend", json=order)
    assert decided.status_code == 200, decided.text
    body = decided.json()
    assert (body["verb"], body["by"], body["lifted"]) == ("suspend", "admin@example.com", False)
    assert datetime.fromisoformat(body["expiresAt"]) == end
    agent = (await viewer.get("agents/front-desk")).json()
    assert agent["health"] == "Suspended"
    assert agent["conditions"][0]["reason"] == "Suspended"
    assert "audit" in agent["message"]
    (item,) = (await viewer.get("interventions")).json()["items"]
    assert item["reason"] == "audit"
    lifted = await admin.post("resume", json={"environment": "testing"})
    assert lifted.json()["lifted"] is True
    assert (await viewer.get("agents/front-desk")).json()["conditions"][0]["reason"] == "Synced"
    again = await admin.post("resume", json={"environment": "testing"})
    assert again.status_code == 404
    events = (await viewer.get("events")).json()["items"]
    assert [event["reason"] for event in events][:2] == ["Resumed", "Suspended"]


@pytest.mark.usefixtures("fleet")
async def test_a_project_is_suspended_and_named_where_an_agent_is_asked_for(
    admin: httpx.AsyncClient,
) -> None:
    assert (await admin.post("suspend", json={"reason": "moving"})).status_code == 200
    answer = await admin.post("agents/front-desk/resume")
    assert answer.status_code == 404
    assert answer.json()["hint"].startswith("But project ")
    assert (await admin.post("resume")).status_code == 200


@pytest.mark.usefixtures("fleet")
async def test_a_suspension_that_ended_by_itself_cannot_be_resumed(
    admin: httpx.AsyncClient, store: PostgresStore, project: str
) -> None:
    now = datetime.now(UTC)
    await store.put_intervention(
        Intervention(
            project=project,
            environment="testing",
            verb="suspend",
            reason="audit",
            by="ada",
            at=now - timedelta(hours=2),
            expires_at=now - timedelta(hours=1),
        )
    )
    answer = await admin.post("resume", json={"environment": "testing"})
    assert answer.status_code == 404
    assert "is not suspended" in answer.json()["detail"]


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("suspend", {"environment": "testing"}, 422),
        ("suspend", {"reason": "", "environment": "testing"}, 422),
        ("suspend", {"reason": "x", "environment": "moon"}, 400),
        ("suspend", {"reason": "x", "until": "2020-01-01T00:00:00Z"}, 400),
        ("suspend", {"reason": "x", "until": "2020-01-01T00:00:00"}, 422),
        ("agents/nobody/suspend", {"reason": "x"}, 404),
        ("agents/nobody/disable", {"reason": "x"}, 404),
        ("agents/front-desk/enable", {}, 404),
        ("plans/nothing/apply", {"digest": "sha256:" + "0" * 64}, 404),
        ("plans/plan-0001/apply", {"digest": "sha256:" + "0" * 64}, 409),
        ("plans/plan-0001/apply", {"digest": "short"}, 422),
    ],
)
async def test_a_wrong_decision_is_refused(
    admin: httpx.AsyncClient, path: str, body: dict[str, str], status: int
) -> None:
    answer = await admin.post(path, json=body)
    assert answer.status_code == status, answer.text


@pytest.mark.usefixtures("fleet")
async def test_simulated_accounts_need_no_confirmation(
    admin: httpx.AsyncClient, store: PostgresStore
) -> None:
    plan = await store.plan("plan-0001")
    assert plan is not None
    order = {"planId": plan.id, "digest": plan.plan.digest, "confirmation": "testing 1"}
    answer = await admin.post("environments/testing/enforce", json=order)
    assert answer.status_code == 409
    assert "nothing to confirm" in answer.json()["detail"]


@pytest.mark.usefixtures("fleet")
async def test_disabling_is_audited_and_shows_until_it_is_enabled(
    command: Command, store: PostgresStore, viewer: httpx.AsyncClient
) -> None:
    code, out, err = await command(
        "disable", "front-desk", "-e", "testing", "--reason", "wrong prices", who="admin"
    )
    assert (code, out) == (0, "front-desk in testing: disabled\n"), err
    conditions = (await viewer.get("agents/front-desk")).json()["conditions"]
    assert conditions[0]["reason"] == "Disabled"
    code, out, err = await command("enable", "front-desk", "-e", "testing", who="admin")
    assert (code, out) == (0, "front-desk in testing: enabled\n"), err
    actions = [row.action for row in await store.audit(limit=2)]
    assert actions == ["agent.enable", "agent.disable"]


@pytest.mark.usefixtures("fleet")
async def test_why_prints_the_chain(command: Command) -> None:
    await command("suspend", "-e", "testing", "--reason", "audit", "--for", "2h", who="admin")
    code, out, err = await command("why", "front-desk", "-e", "testing")
    assert code == 0, err
    assert "the next change would be held back by: suspension" in out
    assert "to do: trunkline resume --environment testing" in out
    code, out, _ = await command("why", "nobody")
    assert (code, out) == (1, "")


@pytest.mark.usefixtures("fleet")
async def test_waiting_ends_when_it_is_there_or_the_time_is_up(command: Command) -> None:
    code, _, err = await command("wait", "front-desk", "--sync", "--timeout", "5s")
    assert code == 0, err
    code, _, err = await command("wait", "main-line", "--sync", "--timeout", "1s")
    assert code == 5
    assert "main-line is OutOfSync, Healthy (taken)" in err
    code, _, err = await command("wait", "nobody", "--timeout", "1s")
    assert code == 1


@pytest.mark.usefixtures("fleet")
async def test_what_waits_for_a_first_release_is_told_and_not_waited_for(
    command: Command, store: PostgresStore, project: str
) -> None:
    row = await store.status(project, "testing", "number", "main-line")
    assert row is not None
    said = row.model_dump(include=set(StatusRecord.model_fields))
    await store.put_status(StatusRecord(**{**said, "sync": "Synced"}), [])
    code, out, err = await command("wait", "--timeout", "5s")
    assert (code, out) == (0, "1 waits for a first release: environment production\n"), err
    code, out, err = await command("wait", "-e", "production", "--timeout", "5s")
    assert (code, out) == (0, "1 waits for a first release: environment production\n"), err
    reason = Condition(type="Reconciling", status="True", reason="AwaitingRelease", message="x")
    changed = {"environment": "production", "health": "Missing", "conditions": (reason,)}
    for name in ("main-line", "second-line"):
        await store.put_status(StatusRecord(**{**said, **changed, "name": name}), [])
    both = "2 wait for a first release: production/main-line, production/second-line\n"
    for place in ((), ("-e", "production")):
        code, out, err = await command("wait", *place, "--timeout", "5s")
        assert (code, out) == (0, both), err
    code, out, err = await command("wait", "second-line", "--timeout", "5s")
    assert (code, out) == (0, "1 waits for a first release: production/second-line\n"), err
    await store.put_status(StatusRecord(**{**said, "sync": "OutOfSync"}), [])
    code, out, err = await command("wait", "--timeout", "1s")
    assert (code, out) == (5, ""), err
    assert "testing/main-line is OutOfSync" in err
    assert "production" not in err


@pytest.mark.usefixtures("fleet")
async def test_waiting_is_content_with_an_agent_that_git_wants_inactive(
    command: Command, store: PostgresStore, project: str
) -> None:
    row = await store.status(project, "testing", "agent", "front-desk")
    assert row is not None
    inactive = Condition(type="Ready", status="True", reason="Inactive", message="inactive")
    said = row.model_dump(include=set(StatusRecord.model_fields))
    resting = StatusRecord(**{**said, "health": "Suspended", "conditions": (inactive,)})
    await store.put_status(resting, [])
    code, _, err = await command("wait", "front-desk", "--timeout", "5s")
    assert code == 0, err
    await command("suspend", "-e", "testing", "--reason", "audit", who="admin")
    code, _, err = await command("wait", "front-desk", "--timeout", "1s")
    assert code == 5, err


@pytest.mark.usefixtures("fleet")
async def test_an_end_is_said_of_what_begins_and_not_of_what_is_over(command: Command) -> None:
    end = in_an_hour()
    until = ("--until", end.isoformat())
    code, out, err = await command(
        "suspend", "-e", "testing", "--reason", "audit", *until, who="admin"
    )
    assert (code, out) == (0, f"testing: suspended until {end:%Y-%m-%d %H:%M} UTC\n"), err
    code, out, err = await command("resume", "-e", "testing", who="admin")
    assert (code, out) == (0, "testing: resumed\n"), err


async def test_scripts_say_what_would_be_asked(command: Command) -> None:
    code, _, err = await command("apply", "--confirm", "testing 1")
    assert code == 64
    assert "--confirm needs --enforce" in err
    code, _, err = await command("suspend", "--reason", "x", "--for", "1h", "--until", "2030-01-01")
    assert code == 64
    code, _, err = await command("suspend", "--reason", "x", "--until", "tomorrow")
    assert code == 64
    assert "'tomorrow' is no time" in err


@pytest.mark.usefixtures("fleet")
async def test_a_plan_is_not_applied_without_a_terminal_or_yes(command: Command) -> None:
    code, out, err = await command("apply", "plan-0001", who="admin")
    assert (code, out) == (64, "")
    assert "create" in err
    assert "--yes" in err
