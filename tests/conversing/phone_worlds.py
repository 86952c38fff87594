"""An installation whose agent answers a number, and a second number that tests may call from.

Workers run in the test, the server that carries both sides of a call in a process of its own, both
vendors behind real sockets.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from activities.names import TEST_RUN_WORKFLOW, WORKFLOW_QUEUE
from activities.testing_types import TestRunInput
from tests.workflows.own_processes import process, ready
from trunkline.adapters.speech.encoding import at_rate, encoded
from trunkline.adapters.speech.studio import SpeechStudio
from trunkline.adapters.speech.telephones import TELEPHONE
from trunkline.local.ports import free_port
from trunkline.model.calls.orders import DoNotCall
from trunkline.model.calls.records import CallFilter, CallRecord
from trunkline.model.testing.results import RunResult, TestResult, TestRunReport

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from tests.workflows.killable_processes import OwnProcess

AGENT = "front-desk"
NUMBER, TEST_NUMBER = "+15005550006", "+15005550007"
GREETING = "Acme clinic, hello!"
PROMPT = "You are the front desk of a clinic. Be brief. The clinic opens at seven in the morning."
QUESTION = "When do you open?"
FAREWELL = "Thank you, goodbye!"
DEADLINE_S = 150.0
PATIENCE_S = 3.0
"""A sentence that the machine was in the middle of for so long is still one sentence."""
NOWHERE = "http://127.0.0.1:9"
"""A public address at which nobody answers."""

OPENING: dict[str, Any] = {"expect": [{"says": "Acme clinic"}]}
ASKED: dict[str, Any] = {"say": QUESTION, "expect": [{"says": "seven"}]}
PARTING: dict[str, Any] = {"say": FAREWELL, "expect": [{"calls": "end_call"}]}


def number(name: str, digits: str, *, agent: str = "", routing: str = "bridge") -> str:
    """A number's manifest."""
    spec = {"number": digits, "environment": "testing", "routing": routing}
    if agent:
        spec["agent"] = agent
    kind = {"apiVersion": "trunkline/v1alpha1", "kind": "PhoneNumber"}
    return json.dumps({**kind, "metadata": {"name": name}, "spec": spec})


def phone_test(name: str, *turns: Mapping[str, Any], **spec: Any) -> str:
    """A test in mode phone."""
    said = {"agent": AGENT, "mode": "phone", "turns": [*turns], **spec}
    kind = {"apiVersion": "trunkline/v1alpha1", "kind": "ConversationTest"}
    return json.dumps({**kind, "metadata": {"name": name}, "spec": said})


def clinic(
    texts: Texts,
    *,
    prompt: str = PROMPT,
    allowed: Sequence[str] = ("test-line",),
    routing: str = "bridge",
    **tests: str,
) -> dict[str, str]:
    """A project with the agent, both numbers and these tests."""
    agent = texts.agent(AGENT, greeting=GREETING, extra="  tools: [ { builtin: end_call } ]\n")
    said = json.dumps(prompt)
    calls = f"  calls: {{ testNumbers: {json.dumps([*allowed])} }}\n"
    return {
        "trunkline.yaml": texts.project() + calls,
        "agents/front-desk.yaml": agent.replace(
            "prompt: { text: You answer the telephone of a small shop. }",
            f"prompt: {{ text: {said} }}",
        ),
        "numbers/main-line.yaml": number("main-line", NUMBER, agent=AGENT, routing=routing),
        "numbers/test-line.yaml": number("test-line", TEST_NUMBER),
        **{f"tests/{name}.yaml": text for name, text in tests.items()},
    }


@dataclass
class PhoneWorld:
    """The installation, and what can be asked of it."""

    stack: Stack
    server: OwnProcess | None = None

    async def deployed(self) -> None:
        """Wait until the agent and its number are as Git wants; no worker runs afterwards."""
        async with self.stack.working():
            await self.stack.sync()
            await self.stack.settled(AGENT, lambda row: row.sync == "Synced")
            await self.stack.settled("main-line", lambda row: row.sync == "Synced", "number")

    async def serves(self) -> None:
        """Wait until the server answers."""
        async with httpx.AsyncClient() as http:
            await ready(http, self.stack.public_url or "")

    async def begin(self, *names: str, **more: Any) -> str:
        """Have these tests run; the id of the run."""
        run_id = f"run-{uuid4().hex[:10]}"
        stack = self.stack
        await stack.store.open_run(
            TestRunReport(id=run_id, project=stack.project, environment="testing")
        )
        await stack.client.start_workflow(
            TEST_RUN_WORKFLOW,
            TestRunInput(
                run_id=run_id, project=stack.project, tests=names, timing=stack.timing, **more
            ),
            id=f"test-run/{stack.project}/{run_id}",
            task_queue=WORKFLOW_QUEUE,
        )
        return run_id

    async def ended(self, run_id: str) -> TestRunReport:
        """The run once it is over."""

        async def look() -> TestRunReport | None:
            report = await self.stack.store.run_report(run_id)
            return report if report is not None and report.state != "Running" else None

        found: TestRunReport = await self.stack.until(look, timeout_s=DEADLINE_S)
        return found

    async def tested(self, *names: str, **more: Any) -> TestRunReport:
        """Have them run, and wait."""
        return await self.ended(await self.begin(*names, **more))

    async def tried_again(self, run_id: str) -> None:
        """Wait until another worker goes on with a conversation."""
        place = f"test-run/{self.stack.project}/{run_id}"
        handle = self.stack.client.get_workflow_handle(place)

        async def look() -> bool:
            known = await handle.describe()
            return any(one.attempt > 1 for one in known.raw_description.pending_activities)

        await self.stack.until(look, timeout_s=DEADLINE_S)

    async def cancel(self, run_id: str) -> None:
        """Nobody wants the run any more."""
        place = f"test-run/{self.stack.project}/{run_id}"
        await self.stack.client.get_workflow_handle(place).cancel()

    async def records(self) -> tuple[CallRecord, ...]:
        """Every call that is remembered, once all of them are over."""

        async def look() -> tuple[CallRecord, ...] | None:
            found = await self.stack.store.calls(self.stack.project, CallFilter(), limit=50)
            return found if all(record.is_over for record in found) else None

        records: tuple[CallRecord, ...] = await self.stack.until(look, timeout_s=DEADLINE_S)
        return records

    async def forbid(self, called: str) -> None:
        """Nobody may call that number: what is said of people, not of numbers of one's own."""
        now = datetime.now(UTC)
        entry = DoNotCall(
            project=self.stack.project, number=called, reason="asked", added_by="ada", added_at=now
        )
        await self.stack.store.put_do_not_call(entry)

    async def understood(self, *conversations: str) -> list[str]:
        """What the platform understood of callers, in speech and keys."""
        heard: list[str] = []
        for conversation in conversations:
            path = f"/v1/convai/conversations/{conversation}"
            answer = await self.stack.elevenlabs.http.get(path)
            lines = answer.raise_for_status().json()["transcript"]
            heard += [str(line["message"]) for line in lines if line["role"] == "user"]
        return heard

    async def calls(self) -> list[dict[str, Any]]:
        """Every call the carrier knows that was placed through its interface."""
        account = self.stack.secrets["TWILIO_ACCOUNT_SID"]
        answer = await self.stack.twilio.http.get(f"/2010-04-01/Accounts/{account}/Calls.json")
        calls: list[dict[str, Any]] = answer.raise_for_status().json()["calls"]
        return calls

    async def placed(self) -> list[dict[str, Any]]:
        """Those that tests placed."""
        return [call for call in await self.calls() if call["direction"] == "outbound-api"]

    async def all_over(self) -> list[dict[str, Any]]:
        """Every call, once none goes on any more."""

        async def look() -> list[dict[str, Any]] | None:
            calls = await self.calls()
            going_on = [
                one for one in calls if one["status"] in ("queued", "ringing", "in-progress")
            ]
            return None if going_on or not calls else calls

        found: list[dict[str, Any]] = await self.stack.until(look, timeout_s=DEADLINE_S)
        return found

    async def talking(self) -> None:
        """Wait until a call that a test placed is answered."""

        async def look() -> bool:
            return any(call["status"] == "in-progress" for call in await self.placed())

        await self.stack.until(look, timeout_s=DEADLINE_S)

    async def teach(self, *sentences: str) -> None:
        """Let the platform understand what the caller of a script says."""
        for words in sentences:
            said = await SpeechStudio().speak(words, language="en", voice=None)
            heard = encoded(at_rate(said, TELEPHONE.rate), TELEPHONE)
            samples = base64.b64encode(heard).decode()
            body = {"samples": samples, "format": "ulaw_8000", "text": words}
            await self.stack.elevenlabs.control("hearing", body)


@asynccontextmanager
async def phone_world(
    make_stack: MakeStack, files: Mapping[str, str], database_url: str, **more: Any
) -> AsyncIterator[PhoneWorld]:
    """The agent is deployed, its number asks a server that runs; no worker runs any more."""
    stack = await _installed(make_stack, files, **more)
    port = free_port()
    stack.public_url = f"http://127.0.0.1:{port}"
    with process(stack, database_url, "serve", "--port", str(port)) as server:
        world = PhoneWorld(stack, server)
        await world.deployed()
        await world.serves()
        yield world


@asynccontextmanager
async def silent_world(
    make_stack: MakeStack, files: Mapping[str, str], **more: Any
) -> AsyncIterator[PhoneWorld]:
    """The same without a server: nobody can be called."""
    stack = await _installed(make_stack, files, **more)
    stack.public_url = NOWHERE
    world = PhoneWorld(stack)
    await world.deployed()
    yield world


async def _installed(make_stack: MakeStack, files: Mapping[str, str], **more: Any) -> Stack:
    stack = await make_stack(files, **more)
    account = stack.secrets["TWILIO_ACCOUNT_SID"]
    bought = await stack.twilio.http.post(
        f"/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json",
        data={"PhoneNumber": TEST_NUMBER},
    )
    bought.raise_for_status()
    await stack.twilio.control("telephony", {"calls_per_second": 1_000})
    await stack.elevenlabs.control("talks", {"patience_s": PATIENCE_S, "sound_gap_s": DEADLINE_S})
    return stack


def only(report: TestRunReport) -> tuple[TestResult, RunResult | None]:
    """The one test of a report, and its one conversation if there was one."""
    (test,) = report.tests
    return test, test.runs[0] if test.runs else None
