"""``test run --local`` on the simulators: every exit code, every output, nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import jsonschema
import pytest
import xmlschema

from tests.held_ports import held_port
from trunkline.cli.main import run
from trunkline.cli.schemas import schemas
from trunkline.manifests import DirectoryTree, load
from trunkline.model.ids import content_mark, document_title
from trunkline.model.resolution import wishes

PROJECT = """\
apiVersion: trunkline/v1alpha1
kind: Project
metadata: { name: acme }
spec:
  people: [ { name: author, emails: [author@example.com] } ]
  environments: [ { name: testing, source: head, mode: enforce } ]
"""
AGENT = """\
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: { name: front-desk }
spec:
  displayName: Front desk
  firstMessage: Hello, this is the front desk of Acme.
  language: en
  prompt: { text: "You answer the telephone of Acme. Be short and friendly." }
  knowledge: [ opening-hours ]
"""
TOOL = """\
apiVersion: trunkline/v1alpha1
kind: Tool
metadata: { name: page-vet }
spec:
  type: webhook
  function: page_vet
  description: Pages the vet on call in an emergency
  method: POST
  url: https://pager.example.com/pages
  headers: { Authorization: { secret: TRUNKLINE_SECRET_ACME_PAGER } }
  parameters:
    type: object
    properties: { animal: { type: string, description: What kind of animal it is } }
"""
CALLS_A_TOOL = """\
apiVersion: trunkline/v1alpha1
kind: ConversationTest
metadata: { name: pages-the-vet }
spec:
  agent: front-desk
  tools: { STUBS }
  turns:
    - say: "This is an emergency, please page the vet on call!"
      expect: [ { calls: page_vet, within: 60s } ]
  finally: [ { callsTotal: { page_vet: 1 } } ]
"""
DOCUMENT = """\
apiVersion: trunkline/v1alpha1
kind: KnowledgeDocument
metadata: { name: opening-hours }
spec: { title: Opening hours, source: { text: "Acme is open from nine to five." } }
"""
TEST = """\
apiVersion: trunkline/v1alpha1
kind: ConversationTest
metadata: {{ name: {name}, tags: [{tag}] }}
spec:
  agent: front-desk
  turns:
    - expect:
        - {expectation}
"""
TESTS = {
    "greets": ("smoke", "says: Hello"),
    "says-goodbye": ("bad", "{ says: Goodbye, within: 200ms }"),
    "is-kind": ("judged", "judge: is kind to whoever calls"),
}


@pytest.fixture(scope="module")
def simulators() -> Iterator[dict[str, str]]:
    """``trunkline simulate`` as a person would run it; answers what it prints."""
    command = [sys.executable, "-m", "trunkline.cli.main", "simulate"]
    with subprocess.Popen(
        [*command, "--elevenlabs-port", "0", "--twilio-port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(5)]
        yield dict(line.split("=", 1) for line in lines)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


@pytest.fixture
def folder(tmp_path: Path, simulators: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository, and an environment that points at the simulators."""
    for name, value in simulators.items():
        monkeypatch.setenv(name, value)
    for name in ("TRUNKLINE_PROVIDERS", "TRUNKLINE_TOKEN", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "manifests"
    path.mkdir()
    files = {"trunkline.yaml": PROJECT, "agent.yaml": AGENT, "hours.yaml": DOCUMENT}
    for name, (tag, expectation) in TESTS.items():
        files[f"tests/{name}.yaml"] = TEST.format(name=name, tag=tag, expectation=expectation)
    for name, text in files.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(text, "utf-8")
    return path


@pytest.fixture
def platform(simulators: dict[str, str]) -> Iterator[httpx.Client]:
    """The simulated platform, asked directly."""
    with httpx.Client(
        base_url=simulators["ELEVENLABS_BASE_URL"],
        headers={"xi-api-key": simulators["ELEVENLABS_API_KEY"]},
        timeout=60,
    ) as client:
        yield client


def left_behind(platform: httpx.Client) -> list[str]:
    """Names of everything in the account."""
    found = []
    for kind in ("agents", "tools", "knowledge-base"):
        answer = platform.get(f"/v1/convai/{kind}").json()
        listed = answer.get("agents", answer.get("tools", answer.get("documents")))
        found += [str(each) for each in listed]
    return found


def test_run(folder: Path, *arguments: str) -> int:
    return run(["test", "run", *arguments, "--local", str(folder)])


test_run.__test__ = False  # type: ignore[attr-defined]


def test_what_passes_is_0(
    folder: Path, platform: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert test_run(folder, "greets") == 0
    said = capsys.readouterr()
    header, row = said.out.splitlines()
    assert header.split() == [
        *("NAME", "AGENT", "GATE", "OUTCOME", "RUNS", "PASS", "P50", "P95", "COST", "MESSAGE")
    ]
    assert row.split()[:6] == ["greets", "front-desk", "required", "passed", "1/1", "1/1"]
    assert left_behind(platform) == []


def test_what_fails_is_1_and_says_where(
    folder: Path, platform: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert test_run(folder, "--tag", "bad") == 1
    said = capsys.readouterr()
    assert "says-goodbye   front-desk   required   failed" in said.out
    assert re.search(
        r"^tests/says-goodbye.yaml:8:1[13]: says-goodbye: expected: ", said.err, re.MULTILINE
    )
    assert left_behind(platform) == []


def with_tool(folder: Path, stubs: str) -> None:
    """The agent has a tool of a service, and a test calls it."""
    (folder / "agent.yaml").write_text(f"{AGENT}  tools: [ page-vet ]\n", "utf-8")
    (folder / "tool.yaml").write_text(TOOL, "utf-8")
    test = CALLS_A_TOOL.replace("{ STUBS }", stubs)
    (folder / "tests" / "pages-the-vet.yaml").write_text(test, "utf-8")


def test_tools_are_answered_here_and_nowhere_else(
    folder: Path, platform: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    with_tool(folder, "{ page_vet: [ { reply: { paged: true, minutes: 25 } } ] }")
    assert test_run(folder, "pages-the-vet", "-o", "json") == 0
    [test] = json.loads(capsys.readouterr().out)["tests"]
    calls = [line for line in test["runs"][0]["transcript"] if line["tool"]]
    assert [line["kind"] for line in calls] == ["toolCalled", "toolAnswered"]
    assert calls[1]["answer"] == {"paged": True, "minutes": 25}
    assert left_behind(platform) == []


def test_a_call_nobody_prepared_for_is_1(
    folder: Path, platform: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    with_tool(folder, "{}")
    assert test_run(folder, "pages-the-vet") == 1
    assert "UnstubbedTool" in capsys.readouterr().err
    assert left_behind(platform) == []


def test_a_platform_that_cannot_reach_us_is_3(
    folder: Path,
    simulators: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with_tool(folder, "{}")
    monkeypatch.setenv("TRUNKLINE_PROVIDERS", "live")
    monkeypatch.setenv("ELEVENLABS_BASE_URL", simulators["ELEVENLABS_BASE_URL"])
    assert test_run(folder, "pages-the-vet") == 3
    said = capsys.readouterr()
    assert "--public-url" in said.out


def test_what_nobody_could_judge_is_3(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUNKLINE_JUDGE_MODEL", "some-model")
    with held_port() as port:
        monkeypatch.setenv("TRUNKLINE_JUDGE_URL", f"http://127.0.0.1:{port}/v1")
        assert test_run(folder, "is-kind") == 3
    said = capsys.readouterr()
    assert "inconclusive" in said.out
    assert "JudgeUnavailable" in said.err


def test_an_account_that_may_not_be_used_is_4(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUNKLINE_PROVIDERS", "live")
    monkeypatch.delenv("ELEVENLABS_API_KEY")
    assert test_run(folder) == 4
    assert "ELEVENLABS_API_KEY" in capsys.readouterr().err


@pytest.mark.slow
def test_what_takes_too_long_is_5_and_is_tidied_up(
    folder: Path, platform: httpx.Client, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    slow = TEST.format(name="waits", tag="slow", expectation="says: Hello")
    (folder / "tests" / "waits.yaml").write_text(f"{slow}    - silence: 20s\n", "utf-8")
    report = tmp_path / "report.json"
    assert test_run(folder, "waits", "--timeout", "1500ms", "--json", str(report)) == 5
    said = capsys.readouterr()
    assert "The tests are not done after 1500ms" in said.err
    document = json.loads(report.read_text("utf-8"))
    assert (document["state"], document["message"]) == ("Cancelled", "given up after 1.5 s")
    assert left_behind(platform) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--runner", "platform"),
        ("--no-wait",),
        ("--branch", "main"),
        ("--compare", "production"),
        ("--repeat", "0"),
        ("--mode", "smoke-signals"),
        ("--timeout", "soon"),
        ("--junit", "no/such/folder/report.xml"),
        ("--public-url", "ftp://example.com"),
        ("--gateway-port", "70000"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_64_before_anything_costs(
    arguments: tuple[str, ...],
    folder: Path,
    platform: httpx.Client,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = platform.get("/_sim/counters").json()
    assert test_run(folder, *arguments) == 64
    assert capsys.readouterr().err.startswith("trunkline: ")
    assert platform.get("/_sim/counters").json() == before


def test_a_name_that_is_none_is_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert test_run(folder, "greet") == 1
    assert "there is no conversation test greet" in capsys.readouterr().err
    assert test_run(folder, "-e", "production") == 1
    assert "Its environments are: testing" in capsys.readouterr().err


def test_every_output_at_once(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    page = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    junit, report = tmp_path / "report.xml", tmp_path / "report.json"
    outputs = ("--github", "--junit", str(junit), "--json", str(report))
    assert test_run(folder, "greets", "says-goodbye", *outputs) == 1
    said = capsys.readouterr()
    [command] = [line for line in said.out.splitlines() if line.startswith("::")]
    assert command.startswith("::error file=manifests/tests/says-goodbye.yaml,line=8,col=1")
    assert ",title=says-goodbye (front-desk@testing)::expected: " in command
    xmlschema.XMLSchema11(Path(__file__).parent / "junit.xsd").validate(str(junit))
    document = json.loads(report.read_text("utf-8"))
    jsonschema.Draft202012Validator(schemas()["test-result"]).validate(document)
    assert document["outcome"] == "failed"
    assert "### Conversation tests: failed" in page.read_text("utf-8")
    assert run(["test", "show", str(report), "says-goodbye"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"agent   Hello, this is the front desk of Acme\.\n.*FAILED", shown, re.DOTALL)


def test_a_document_is_printed_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert test_run(folder, "greets", "--github", "-o", "json") == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(schemas()["test-result"]).validate(document)
    assert document["tests"][0]["runs"][0]["transcript"][0]["kind"] == "agentSaid"


def test_without_a_terminal_each_end_is_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert test_run(folder, "greets", "--repeat", "2") == 0
    err = capsys.readouterr().err
    lines = [line for line in err.splitlines() if line.startswith("front-desk/greets: ")]
    assert len(lines) == 3
    assert {line.split(" (")[0] for line in lines} == {
        "front-desk/greets: run 1 of 2 passed",
        "front-desk/greets: run 2 of 2 passed",
        "front-desk/greets: passed",
    }
    assert "\x1b" not in err


def test_what_is_deployed_is_neither_written_nor_needed(
    folder: Path, platform: httpx.Client
) -> None:
    """The live agent and a document that is there already stay as they are."""
    agent = platform.post(
        "/v1/convai/agents/create",
        json={
            "name": "Front desk",
            "tags": ["trunkline:acme/testing/front-desk"],
            "conversation_config": {},
        },
    ).json()["agent_id"]
    [wish] = wishes(load(DirectoryTree(folder))).agents
    [hours] = wish.documents
    mark = content_mark("acme", "testing", hours.name, hours.digest)
    text = {"name": document_title(hours.title, mark), "text": "Acme is open from nine to five."}
    document = platform.post("/v1/convai/knowledge-base/text", json=text).json()["id"]
    before = platform.get(f"/v1/convai/agents/{agent}").json()
    platform.delete("/_sim/counters").raise_for_status()
    assert test_run(folder, "greets", "is-kind") in {0, 1, 3}
    writes = {
        route: count
        for route, count in platform.get("/_sim/counters").json()["requests"].items()
        if not route.startswith("GET ")
    }
    assert sorted(writes.values()) == [1, 1]
    assert [route.split()[0] for route in sorted(writes)] == ["DELETE", "POST"]
    assert platform.get(f"/v1/convai/agents/{agent}").json() == before
    assert len(left_behind(platform)) == 2
    platform.delete(f"/v1/convai/agents/{agent}").raise_for_status()
    platform.delete(f"/v1/convai/knowledge-base/{document}").raise_for_status()


def test_what_a_killed_run_left_is_deleted_by_the_next(
    folder: Path, platform: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    now_s = platform.get("/_sim/clock").json()["unix_s"]

    def left_by_a_killed_run(at_s: float) -> str:
        platform.post("/_sim/clock", json={"set_unix_s": at_s}).raise_for_status()
        made = platform.post(
            "/v1/convai/agents/create",
            json={
                "name": "trunkline-local-ada-0123456789ab",
                "tags": ["trunkline:trunkline-local/ada/front-desk"],
                "conversation_config": {},
            },
        )
        return str(made.json()["agent_id"])

    left_by_a_killed_run(now_s - 7_200)
    recent = left_by_a_killed_run(now_s)
    assert test_run(folder, "greets") == 0
    [agent] = left_behind(platform)
    assert recent in agent, "one of this hour may be another run's"
    platform.delete(f"/v1/convai/agents/{recent}").raise_for_status()


def test_tests_of_a_folder_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", "list", "--local", str(folder)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["NAME", "AGENT", "GATE", "MODE", "TURNS", "TAGS", "LAST", "AGE"]
    assert [row[0] for row in rows[1:]] == sorted(TESTS)
    assert rows[1] == ["greets", "front-desk", "required", "text", "1", "smoke", "-", "-"]
    assert run(["test", "list", "--local", str(folder), "--tag", "bad", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(schemas()["TestList"]).validate(document)
    assert [item["name"] for item in document["items"]] == ["says-goodbye"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(
    folder: Path, platform: httpx.Client, simulators: dict[str, str], number: signal.Signals
) -> None:
    """Interrupted while the agent is being made, whose answer comes late."""
    platform.post("/_sim/latency", json={"ms": 200}).raise_for_status()
    slow = TEST.format(name="waits", tag="slow", expectation="says: Hello")
    (folder / "tests" / "waits.yaml").write_text(f"{slow}    - silence: 60s\n", "utf-8")
    command = [sys.executable, "-m", "trunkline.cli.main", "test", "run", "waits"]
    with subprocess.Popen(
        [*command, "--local", str(folder)],
        env={**os.environ, **simulators},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (made := left_behind(platform)):
            assert process.poll() is None
        assert len(made) <= 2
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
    platform.post("/_sim/latency", json={"ms": 0}).raise_for_status()
    assert left_behind(platform) == []
