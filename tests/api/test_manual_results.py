"""What people found by calling an agent: written down with what the agent was, listed, audited."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.cli.schemas import schemas
from trunkline.model.testing.limits import MANUAL_TRANSCRIPT_MAX_CHARACTERS

pytestmark = [pytest.mark.usefixtures("fleet")]

CALL: dict[str, Any] = {
    "duration": 94.5,
    "rating": 4,
    "status": "needs_improvement",
    "transcript": "Desk: Hello …\nMe: Tuesday at two, please.",
    "notes": "asked for the day twice",
    "checklist": {"greeting": True, "tone": False},
}
Token = Callable[[str], str]


@pytest.fixture
def results(project: str) -> str:
    return f"/v1/projects/{project}/agents/front-desk/test-results"


def person(token: Token, who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(who)}"}


async def test_a_call_is_kept_with_the_stage_and_version_of_its_agent(
    http: httpx.AsyncClient, token: Token, results: str, store: PostgresStore, project: str
) -> None:
    made = await http.post(results, json=CALL, headers=person(token, "operator"))
    assert made.status_code == 201, made.text
    answer = made.json()
    assert {key: answer[key] for key in CALL if key != "checklist"} == {
        key: value for key, value in CALL.items() if key != "checklist"
    }
    assert answer["checklist"] == {
        "greeting": True,
        "understanding": None,
        "tools": None,
        "knowledge": None,
        "tone": False,
        "ending": None,
    }
    assert (answer["stage"], answer["version"], answer["environment"]) == ("testing", 0, "testing")
    assert answer["testedBy"] == "operator@example.com"
    assert answer["testedAt"].startswith("20")
    listed = await http.get(results, headers=person(token, "viewer"))
    assert listed.json() == {"items": [answer], "nextCursor": None}
    [row] = [row for row in await store.audit(project=project, limit=10) if row.subject]
    assert (row.action, row.subject, row.details["status"], row.details["result"]) == (
        "test.record",
        "front-desk",
        "needs_improvement",
        answer["id"],
    )


async def test_results_are_read_in_pages_newest_first(
    http: httpx.AsyncClient, token: Token, results: str
) -> None:
    made = []
    for rating in (1, 2, 3, 4, 5):
        order = {**CALL, "rating": rating}
        answer = await http.post(results, json=order, headers=person(token, "operator"))
        made.append(answer.json()["id"])
    seen: list[str] = []
    cursor = ""
    while True:
        answer = await http.get(f"{results}?limit=2{cursor}", headers=person(token, "viewer"))
        page = answer.json()
        seen += [row["id"] for row in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert seen == made[::-1]
    wrong = await http.get(f"{results}?cursor=bm93aGVyZQ", headers=person(token, "viewer"))
    assert wrong.status_code in {400, 422}
    assert "cursor" in wrong.json()["detail"]


WRONG: tuple[dict[str, Any], ...] = (
    {"rating": 0},
    {"rating": 6},
    {"rating": None},
    {"status": "fine"},
    {"duration": 0},
    {"duration": -3},
    {"duration": "NaN"},
    {"transcript": "x" * (MANUAL_TRANSCRIPT_MAX_CHARACTERS + 1)},
    {"notes": "a\x00b"},
    {"checklist": {"voice": True}},
    {"testedBy": "somebody else"},
    {"version": 7},
)


async def test_what_cannot_be_meant_is_refused_by_name(
    http: httpx.AsyncClient, token: Token, results: str
) -> None:
    for change in WRONG:
        answer = await http.post(results, json=CALL | change, headers=person(token, "operator"))
        assert answer.status_code == 422, (change, answer.text)
        [problem] = answer.json()["errors"]
        assert next(iter(change)) in problem["where"], (change, problem)


async def test_only_operators_write_and_everybody_reads(
    http: httpx.AsyncClient, token: Token, results: str
) -> None:
    codes = {}
    for who in ("viewer", "approver", "operator", "admin"):
        answer = await http.post(results, json=CALL, headers=person(token, who))
        codes[who] = answer.status_code
        read = await http.get(results, headers=person(token, who))
        assert read.status_code == 200
    assert codes == {"viewer": 403, "approver": 403, "operator": 201, "admin": 201}
    foreign = await http.get(results, headers=person(token, "foreign_admin"))
    assert foreign.status_code == 404
    assert (await http.post(results, json=CALL)).status_code == 401


async def test_an_agent_nobody_knows_has_no_results(
    http: httpx.AsyncClient, token: Token, project: str
) -> None:
    path = f"/v1/projects/{project}/agents/frontdesk/test-results"
    for answer in (
        await http.post(path, json=CALL, headers=person(token, "operator")),
        await http.get(path, headers=person(token, "viewer")),
    ):
        assert answer.status_code == 404
        assert "front-desk" in answer.text


@pytest.mark.slow
async def test_a_call_is_written_down_and_listed_on_the_command_line(
    command: Any, tmp_path: Path
) -> None:
    spoken = tmp_path / "call.txt"
    spoken.write_text("Desk: Hello …", "utf-8")
    code, out, err = await command(
        *("test", "record", "front-desk", "--status", "passed", "--rating", "5"),
        *("--duration", "94s", "--notes", "calm | short", "--transcript", str(spoken)),
        *("--good", "greeting", "--good", "tone", "--bad", "ending"),
        who="operator",
    )
    assert (code, out) == (0, "front-desk in testing, version 0: passed is written down\n"), err
    code, out, _ = await command("test", "results", "front-desk")
    assert code == 0
    header, row = out.splitlines()
    assert header.split() == [
        *("AGENT", "ENV", "STAGE", "VERSION", "STATUS", "RATING", "CHECKS", "DURATION", "BY"),
        *("AGE", "NOTES"),
    ]
    assert row.split()[:9] == [
        *("front-desk", "testing", "testing", "0", "passed", "5", "2/3", "94", "s")
    ]
    code, out, _ = await command("test", "results", "front-desk", "-o", "json")
    document = json.loads(out)
    jsonschema.Draft202012Validator(schemas()["ManualResultList"]).validate(document)
    assert document["items"][0]["transcript"] == "Desk: Hello …"


@pytest.mark.slow
async def test_wrong_usage_of_record_is_64(command: Any, tmp_path: Path) -> None:
    good = ("test", "record", "front-desk", "--status", "passed", "--rating", "5")
    for wrong in (
        ("--duration", "soon"),
        ("--duration", "1m", "--good", "voice"),
        ("--duration", "1m", "--good", "tone", "--bad", "tone"),
        ("--duration", "1m", "--transcript", str(tmp_path / "nothing.txt")),
    ):
        code, out, err = await command(*good, *wrong, who="operator")
        assert (code, out) == (64, ""), err
    code, _, err = await command(*good, "--duration", "1m")
    assert code == 1
    assert "test.record needs the role" in err
