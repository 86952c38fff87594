"""The vendor's own tests of one account as ``ports.PlatformTests``.

A test is made once and never changed: its mark carries the digest of its body, so another body is
another test. What a run means is not decided here; what the vendor does not know it says so.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal
from urllib.parse import quote

from pydantic import Field, TypeAdapter

from trunkline.adapters.elevenlabs.answers import TREE, Answered, CreatedObject
from trunkline.adapters.elevenlabs.client import ElevenLabsClient, object_path
from trunkline.model.base import Json, JsonObject
from trunkline.model.errors import Rejected, RemoteMissing
from trunkline.model.ids import REFERENCE_PREFIX, ExternalId, document_mark, document_title
from trunkline.model.observed import ObservedObject
from trunkline.model.testing.limits import TEST_RUNS_MAX
from trunkline.model.testing.platform_tests import Invocation, PlatformRun, PlatformTest
from trunkline.model.testing.transcripts import Line, LineKind

TESTS = "/v1/convai/agent-testing"
AGENTS = "/v1/convai/agents/"
INVOCATIONS = "/v1/convai/test-invocations/"
NOT_WRITTEN = frozenset({"id", "access_info"})
"""What a read of a test adds that no write takes."""
OVERRIDABLE = ("conversation_config", "platform_settings", "workflow")
"""What of an agent's body a run may replace."""
UNMOCKED = "no mock matched"
"""The vendor's words about a call nothing was prepared for; such a run may still be green."""
RunState = Literal["pending", "passed", "failed", "unknown", "cancelled"]
STATES: Mapping[str, RunState] = {
    "pending": "pending",
    "passed": "passed",
    "failed": "failed",
    "cancelled": "cancelled",
}


class TestLine(Answered):
    """One test in the list."""

    __test__ = False

    id: ExternalId
    name: str
    created_at_unix_secs: int = 0

    def observed(self) -> ObservedObject | None:
        """The test if it carries a mark."""
        mark = document_mark(self.name)
        if mark is None:
            return None
        return ObservedObject(
            external_id=self.id, mark=mark, created_at_s=self.created_at_unix_secs
        )


class NamedTest(Answered):
    """One test by its id."""

    name: str


class Rationale(Answered):
    """Why the vendor's judge decided as it did."""

    messages: tuple[str, ...] = ()
    summary: str = ""


class ToolUse(Answered):
    """A call the model made."""

    tool_name: str = ""
    request_id: str = ""
    params_as_json: str = "{}"

    def arguments(self) -> JsonObject:
        """What it was called with, as far as that is JSON."""
        try:
            told = json.loads(self.params_as_json)
        except ValueError:
            return {"": self.params_as_json}
        return told if isinstance(told, dict) else {"": told}


class ToolResult(Answered):
    """What a call was answered."""

    tool_name: str = ""
    request_id: str = ""
    result_value: str = ""
    is_error: bool = False


class SpokenLine(Answered):
    """One line of what was said in a run, with the calls that belong to it."""

    role: str
    message: str | None = None
    time_in_call_secs: int = 0
    tool_calls: tuple[ToolUse, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()

    def lines(self, turn: int) -> Iterator[Line]:
        """The line in our words."""
        at_ms = self.time_in_call_secs * 1000
        for call in self.tool_calls:
            yield Line(
                at_ms=at_ms,
                turn=turn,
                kind="toolCalled",
                tool=call.tool_name,
                call_id=call.request_id,
                arguments=call.arguments(),
            )
        for answer in self.tool_results:
            yield Line(
                at_ms=at_ms,
                turn=turn,
                kind="toolAnswered",
                tool=answer.tool_name,
                call_id=answer.request_id,
                answer=answer.result_value,
                is_error=answer.is_error,
                stubbed=UNMOCKED not in answer.result_value.lower(),
            )
        if self.message:
            kind: LineKind = "callerSaid" if self.role == "user" else "agentSaid"
            yield Line(at_ms=at_ms, turn=turn, kind=kind, text=self.message)


class ConditionResult(Answered):
    """What the vendor's judge decided."""

    result: str
    rationale: Rationale | None = None


class RunLine(Answered):
    """One run of one test."""

    test_run_id: str = Field(min_length=1)
    test_id: str
    status: str
    version_id: str | None = None
    condition_result: ConditionResult | None = None
    agent_responses: tuple[SpokenLine, ...] | None = None

    def run(self) -> PlatformRun:
        """The run in our words: a verdict the judge did not give is unknown."""
        state: RunState = STATES.get(self.status, "unknown")
        condition = self.condition_result
        if state in ("passed", "failed") and condition is not None:
            expected = "success" if state == "passed" else "failure"
            state = state if condition.result == expected else "unknown"
        why = condition.rationale if condition is not None else None
        reasons = (why.summary, *why.messages) if why is not None else ()
        spoken = self.agent_responses or ()
        answers = [answer.result_value for line in spoken for answer in line.tool_results]
        return PlatformRun(
            run_id=self.test_run_id,
            test_id=self.test_id,
            state=state,
            reasons=tuple(reason for reason in reasons if reason),
            transcript=tuple(line for at, each in enumerate(spoken) for line in each.lines(at)),
            unmocked=any(UNMOCKED in text.lower() for text in (*reasons, *answers)),
        )


class InvocationAnswer(Answered):
    """Everything that was asked for at once."""

    id: str = Field(min_length=1)
    agent_id: str | None = None
    branch_id: str | None = None
    version_id: str | None = None
    test_runs: tuple[RunLine, ...]

    def invocation(self) -> Invocation:
        """The answer in our words."""
        versions = {run.version_id for run in self.test_runs if run.version_id}
        return Invocation(
            id=self.id,
            agent_id=self.agent_id or "",
            branch_id=self.branch_id,
            version_id=self.version_id or (versions.pop() if len(versions) == 1 else None),
            runs=tuple(line.run() for line in self.test_runs),
        )


TEST_LINES = TypeAdapter(tuple[TestLine, ...]).validate_python


class ElevenLabsTests:
    """Tests of one account: made, run, read and deleted, never changed."""

    def __init__(self, client: ElevenLabsClient, *, listing_timeout_s: float) -> None:
        self._client = client
        self._listing_timeout_s = listing_timeout_s

    async def find_tests(self, mark: str) -> tuple[ObservedObject, ...]:
        """Tests whose name carries exactly the mark, oldest first, over all pages."""
        return tuple(one for one in await self.marked_tests() if one.mark == mark)

    async def marked_tests(self) -> tuple[ObservedObject, ...]:
        """Tests whose name carries any mark, oldest first, over all pages."""
        timeout_s = self._listing_timeout_s
        lines = await self._client.listed(TEST_LINES, TESTS, "tests", timeout_s=timeout_s)
        found = (one for one in (line.observed() for line in lines) if one is not None)
        return tuple(sorted(found, key=lambda one: (one.created_at_s, one.external_id)))

    async def test_mark(self, test_id: ExternalId) -> str:
        """The mark a test carries, read by its id; may be empty. Raises RemoteMissing."""
        named = await self._client.read(NamedTest.model_validate, object_path(TESTS, test_id))
        return document_mark(named.name) or ""

    async def create_test(
        self,
        test: PlatformTest,
        *,
        mark: str,
        bindings: Mapping[str, str],
        timeout_s: float,
    ) -> ExternalId:
        """Create a test under its mark, with ids in place of references.

        Raises Rejected for a reference nobody knows, OutcomeUnknown if in doubt.
        """
        created = await self._client.write(
            CreatedObject.model_validate,
            "POST",
            f"{TESTS}/create",
            rendered_test(test, mark=mark, bindings=bindings),
            timeout_s=timeout_s,
        )
        return created.id

    async def unmark_test(self, test_id: ExternalId, *, timeout_s: float) -> None:
        """Call a test by its name alone; the rest is written back as it was read, because the
        vendor replaces a test as a whole. Raises RemoteMissing.
        """
        read = await self._client.read(TREE.validate_python, object_path(TESTS, test_id))
        name = str(read.get("name", ""))
        mark = document_mark(name)
        if mark is None:
            return
        body: JsonObject = {key: value for key, value in read.items() if key not in NOT_WRITTEN}
        body["name"] = name.removesuffix(document_title("", mark))
        await self._client.write(
            NamedTest.model_validate, "PUT", object_path(TESTS, test_id), body, timeout_s=timeout_s
        )

    async def delete_test(self, test_id: ExternalId, *, timeout_s: float) -> None:
        """Delete a test; one that is gone is deleted."""
        try:
            await self._client.delete(object_path(TESTS, test_id), timeout_s=timeout_s)
        except RemoteMissing:
            return

    async def run_tests(
        self,
        agent_id: ExternalId,
        test_ids: Sequence[ExternalId],
        *,
        branch_id: str | None = None,
        override: JsonObject | None = None,
        repeat_count: int = 1,
        timeout_s: float,
    ) -> str:
        """Start an invocation; nothing of the agent is written. Raises OutcomeUnknown if in doubt,
        RemoteMissing if the agent, the branch or a test is gone.
        """
        if not 1 <= repeat_count <= TEST_RUNS_MAX:
            raise Rejected(f"the platform runs a test 1 to {TEST_RUNS_MAX} times")
        tests: list[Json] = [{"test_id": test_id} for test_id in test_ids]
        body: JsonObject = {"tests": tests, "repeat_count": repeat_count}
        if branch_id is not None:
            body["branch_id"] = branch_id
        if override is not None:
            body["agent_config_override"] = _overriding(override)
        answer = await self._client.write(
            InvocationAnswer.model_validate,
            "POST",
            f"{AGENTS}{quote(agent_id, safe='')}/run-tests",
            body,
            timeout_s=timeout_s,
        )
        return answer.id

    async def invocation(self, invocation_id: str) -> Invocation:
        """How far it is. Raises RemoteMissing."""
        path = INVOCATIONS + quote(invocation_id, safe="")
        answer = await self._client.read(InvocationAnswer.model_validate, path)
        return answer.invocation()


def rendered_test(test: PlatformTest, *, mark: str, bindings: Mapping[str, str]) -> dict[str, Json]:
    """The body that creates a test. Raises Rejected for a reference without an id."""
    body = _bound(test.body, bindings)
    if not isinstance(body, dict):
        raise Rejected(f"test {test.name} has no body")
    return {**body, "name": document_title(f"{test.name} ({test.source})", mark)}


def _bound(tree: Json, bindings: Mapping[str, str]) -> Json:
    """The tree with ids in place of references, in keys as well: mocks are kept by tool."""
    if isinstance(tree, str):
        return _bound_text(tree, bindings)
    if isinstance(tree, dict):
        return {_bound_text(key, bindings): _bound(one, bindings) for key, one in tree.items()}
    if isinstance(tree, list):
        return [_bound(one, bindings) for one in tree]
    return tree


def _bound_text(text: str, bindings: Mapping[str, str]) -> str:
    if not text.startswith(REFERENCE_PREFIX):
        return text
    if text not in bindings:
        name = text.removeprefix(REFERENCE_PREFIX)
        raise Rejected(f"{name} is not on the platform", hint="apply the agent's tools first")
    return bindings[text]


def _overriding(body: JsonObject) -> JsonObject:
    """A whole configuration: the vendor wants both parts, even if one is empty."""
    return {"platform_settings": {}} | {key: body[key] for key in OVERRIDABLE if key in body}
