"""``numbers`` and ``drift`` print what the accounts and the plan say, and how much is unknown."""

import json
from collections.abc import Callable, Coroutine

import httpx
import pytest

from trunkline.cli.drift import DRIFT
from trunkline.cli.listing import print_listing
from trunkline.cli.numbers import print_call
from trunkline.cli.printing import Format
from trunkline.model.base import JsonObject
from trunkline.model.ids import Digest
from trunkline.model.plan_json import plan_json
from trunkline.model.plans import Drifted, Plan

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]
FIELD = Drifted(
    subject="agent",
    name="front-desk",
    path="conversation_config.tts.speed",
    wished=1.0,
    live=1.15,
    by="Ada <ada@example.com>",
    at="2026-03-02T09:15:00+00:00",
    version_id="agtvrsn_1",
    policy="report",
    next="stays",
)


@pytest.mark.usefixtures("fleet")
async def test_accounts_that_cannot_be_read_are_named_and_end_with_3(command: Command) -> None:
    code, out, err = await command("numbers", "list", "-o", "json")
    document = json.loads(out)
    assert document["kind"] == "NumberList"
    assert code == 3
    assert "Not read: testing: " in err


@pytest.mark.usefixtures("fleet")
async def test_a_number_nobody_has_is_not_found(viewer: httpx.AsyncClient) -> None:
    answer = await viewer.get("numbers/%2B15005550099/route")
    assert answer.status_code == 404
    assert "There is no number '+15005550099'" in answer.json()["detail"]
    assert (await viewer.get("numbers/~~/route")).status_code == 422


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("asked", [{"at": "tomorrow"}, {"from": "me"}, {"skill": "x" * 64}])
async def test_a_call_that_cannot_be_is_not_asked_about(
    viewer: httpx.AsyncClient, asked: dict[str, str]
) -> None:
    assert (await viewer.get("numbers/main-line/route", params=asked)).status_code == 422


def test_every_line_of_a_table_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    closed: JsonObject = {
        "line": 0,
        "condition": "Mon 09:00-17:00 UTC",
        "agent": "day",
        "state": "passed",
    }
    taken: JsonObject = {"line": 1, "condition": "every call", "agent": "night", "state": "taken"}
    print_call(
        {
            "at": "2026-03-29T07:30:00Z",
            "agent": "night",
            "forwardTo": "",
            "words": "line 2: every call",
            "lines": [
                {**closed, "words": "closed: it is Sun 07:30 in UTC"},
                {**taken, "words": "agent night answers"},
            ],
        }
    )
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "A call at 2026-03-29T07:30:00Z:"
    assert said[2].split() == ["LINE", "CONDITION", "AGENT", "STATE", "WHY"]
    assert said[3].split("  ")[0] == "1"
    assert said[3].endswith("closed: it is Sun 07:30 in UTC")
    assert said[-1] == "It goes to agent night: line 2: every call"


def test_a_drifted_field_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    row = FIELD.model_dump(mode="json", by_alias=True)
    print_listing(DRIFT, [row], Format.TABLE)
    header, line = capsys.readouterr().out.splitlines()
    assert header.split() == ["NAME", "PATH", "WISHED", "LIVE", "BY", "AT", "POLICY", "NEXT"]
    assert line.split()[:4] == ["front-desk", FIELD.path, "1.0", "1.15"]


@pytest.mark.usefixtures("fleet")
async def test_a_plan_document_tells_of_drift(viewer: httpx.AsyncClient) -> None:
    plan = (await viewer.get("plans/plan-0001")).json()["plan"]
    assert (plan["drift"], plan["patch"]) == ([], "")
    digest = Digest("sha256:" + "5e" * 32)
    told = Plan(project="acme", environment="testing", digest=digest, drift=(FIELD,), patch="---")
    document = plan_json(told)
    assert document["patch"] == "---"
    assert document["drift"] == [FIELD.model_dump(mode="json", by_alias=True)]


async def test_a_carrier_is_told_that_nobody_answers_here(http: httpx.AsyncClient) -> None:
    path = "/v1/webhooks/twilio/voice/fallback/acme/testing/main-line"
    answer = await http.post(path, data={"To": "+15005550006"})
    assert answer.status_code in {403, 503}
    assert answer.headers["content-type"].startswith("application/problem+json")
