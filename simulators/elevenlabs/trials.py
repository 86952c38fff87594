"""Carries out one run of one of the platform's tests with the agent's mind.

The next reply after a history, the tools it would use, or a whole conversation with a scripted
caller; judged by the small judge. Where the configuration came from and what becomes of the verdict
is decided elsewhere.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulators.elevenlabs.mind import Act, CallTool, End, MissingVariables, Say, SwitchLanguage
from simulators.elevenlabs.talks.callers import ScriptedCaller
from simulators.elevenlabs.talks.initiation import system_variables
from simulators.elevenlabs.talks.judging import Verdict, judged
from simulators.elevenlabs.talks.minds import Made
from simulators.elevenlabs.talks.transcripts import Transcript
from simulators.elevenlabs.talks.webhooks import Outcome, Webhooks, at_path
from simulators.elevenlabs.workspace import Workspace
from simulators.limits import MAX_ACTS
from simulators.wire import Json

NO_MOCK = "no mock matched"
ANSWERED = "Tool called."
REGEX_LIMIT = 2_000
# After a history that ends with the agent's own words the next thing is a silence.
SILENCE_S = 10.0


@dataclass(slots=True)
class Trial:
    """One run on its way: what was said, and which tools were used with what."""

    test: Json
    made: Made
    variables: dict[str, Any]
    transcript: Transcript
    uses: list[tuple[str, Json]] = field(default_factory=list)
    ended: bool = False


class Trials:
    """Runs tests."""

    def __init__(self, workspace: Workspace, webhooks: Webhooks) -> None:
        self._space = workspace
        self._webhooks = webhooks

    async def run(
        self, test: Json, made: Made, placeholders: Mapping[str, Any], agent_metadata: Json
    ) -> tuple[Verdict, list[Json]]:
        """The verdict on one run, and what the agent's side said in it."""
        began_s = self._space.clock.now()
        clock = self._space.clock
        now = datetime.fromtimestamp(began_s, UTC)
        system = system_variables(agent_metadata["agent_id"], "", now)
        trial = Trial(
            test,
            made,
            {**system, **placeholders, **test["dynamic_variables"]},
            Transcript(agent_metadata, lambda: clock.now() - began_s),
        )
        try:
            opening = made.mind.open(trial.variables, now)
        except MissingVariables as error:
            return Verdict("failure", str(error)), []
        if test["type"] == "simulation":
            verdict = await self._simulated(trial, opening)
        else:
            await self._perform(trial, self._next(trial, opening))
            verdict = self._tools_judged(trial) if test["type"] == "tool" else _reply_judged(trial)
        return verdict, trial.transcript.lines

    def _next(self, trial: Trial, opening: list[Act]) -> list[Act]:
        """What the agent does after the history; its opening when there is none."""
        history = trial.test["chat_history"]
        if not history:
            return opening
        mind, last = trial.made.mind, history[-1]
        if last["role"] == "user" and last.get("message"):
            mind.resume(history[:-1])
            return mind.hear(last["message"])
        mind.resume(history)
        return mind.silent_for(SILENCE_S)

    async def _perform(self, trial: Trial, acts: list[Act]) -> None:
        waiting = deque(acts)
        for _ in range(MAX_ACTS):
            if not waiting or trial.ended:
                return
            act = waiting.popleft()
            if isinstance(act, Say):
                if act.text.strip():
                    trial.transcript.said(act.text.strip())
            elif isinstance(act, CallTool):
                outcome = await self._answered(trial, act)
                if outcome is None:
                    return
                more = trial.made.mind.tool_answered(
                    act.call_id, outcome.result, is_error=outcome.is_error
                )
                waiting.extendleft(reversed(more))
            else:
                _note_system(trial, act)

    async def _answered(self, trial: Trial, act: CallTool) -> Outcome | None:
        """What a tool answers in this run; None when nothing does and the reply ends with it."""
        tool = trial.made.tools.get(act.tool, {"type": "webhook"})
        kind = str(tool["type"])
        trial.uses.append((act.tool, act.arguments))
        trial.transcript.asked(act.tool, act.call_id, kind, act.arguments)
        tool_id = trial.made.tool_ids.get(act.tool, "")
        if trial.test["type"] == "simulation":
            outcome = await self._in_simulation(trial, tool_id, tool, act)
        else:
            record = self._space.tools.get(tool_id) or {}
            found = mocked(record.get("response_mocks") or [], act.arguments)
            if found is None:
                return None
            outcome = found
        trial.transcript.answered(act.tool, act.call_id, kind, outcome)
        return outcome

    async def _in_simulation(
        self, trial: Trial, tool_id: str, tool: Json, act: CallTool
    ) -> Outcome:
        rules = trial.test["tool_mock_config"]
        strategy = rules["mocking_strategy"]
        mocks_it = strategy == "all" or (
            strategy == "selected" and tool_id in rules["mocked_tool_ids"]
        )
        if mocks_it:
            record = self._space.tools.get(tool_id) or {}
            own = trial.test["tool_mock_overrides"].get(tool_id) or []
            found = mocked([*own, *(record.get("response_mocks") or [])], act.arguments)
            if found is not None:
                return found
            if rules["fallback_strategy"] == "raise_error":
                return Outcome(NO_MOCK, is_error=True, is_called=False)
        if tool.get("type") != "webhook":
            return Outcome(ANSWERED)
        return await self._webhooks.call(
            tool, act.arguments, trial.variables, self._space.secret_of
        )

    async def _simulated(self, trial: Trial, opening: list[Act]) -> Verdict:
        test = trial.test
        mind = trial.made.mind
        if test["chat_history"]:
            mind.resume(test["chat_history"])
        else:
            await self._perform(trial, opening)
        caller = ScriptedCaller(test["simulation_scenario"])
        for _ in range(test["simulation_max_turns"]):
            words = caller.next_words(_last_words(trial))
            if words is None or trial.ended:
                break
            trial.transcript.heard(words, "text")
            await self._perform(trial, mind.hear(words))
        conditions = test["success_conditions"] or [test["success_condition"] or ""]
        replies = " ".join(_replies(trial))
        verdicts = [judged(condition, replies) for condition in conditions]
        results = [verdict.result for verdict in verdicts]
        result = next((word for word in ("failure", "unknown") if word in results), "success")
        messages = tuple(
            f"{condition}: {verdict.summary}"
            for condition, verdict in zip(conditions, verdicts, strict=True)
        )
        return Verdict(result, "Every condition was looked at.", messages)

    def _tools_judged(self, trial: Trial) -> Verdict:
        rules = trial.test["tool_call_parameters"]
        if rules is None or rules.get("workflow_node_transition"):
            return Verdict("unknown", "Nothing here follows workflow nodes.")
        wanted = rules.get("referenced_tool")
        name = self._tool_name(wanted["id"]) if wanted else None
        uses = [use for use in trial.uses if name is None or use[0] == name]
        shown = name or "any tool"
        if rules["verify_absence"]:
            if uses:
                return Verdict("failure", f"The agent used {shown}.")
            return Verdict("success", f"The agent did not use {shown}.")
        if not uses:
            return Verdict("failure", f"The agent did not use {shown}.")
        looked_at = uses if trial.test.get("check_any_tool_matches") else uses[:1]
        problems = [_mismatches(rules["parameters"], arguments) for _, arguments in looked_at]
        if any(not found for found in problems):
            return Verdict("success", f"The agent used {shown} as expected.")
        return Verdict("failure", f"The agent used {shown} differently.", tuple(problems[0]))

    def _tool_name(self, tool_id: str) -> str:
        record = self._space.tools.get(tool_id)
        return str(record["tool_config"]["name"]) if record else tool_id


def _note_system(trial: Trial, act: End | SwitchLanguage) -> None:
    name = "end_call" if isinstance(act, End) else "language_detection"
    arguments = {"reason": act.reason} if isinstance(act, End) else {"language": act.code}
    call_id = f"call_{len(trial.uses)}"
    trial.uses.append((name, arguments))
    trial.transcript.asked(name, call_id, "system", arguments)
    trial.ended = isinstance(act, End)


def _replies(trial: Trial) -> list[str]:
    return [
        line["message"]
        for line in trial.transcript.lines
        if line["role"] == "agent" and line["message"]
    ]


def _last_words(trial: Trial) -> str:
    return next(reversed(_replies(trial)), "")


def _reply_judged(trial: Trial) -> Verdict:
    test = trial.test
    return judged(
        test["success_condition"],
        " ".join(_replies(trial)),
        good=[example["response"] for example in test["success_examples"]],
        bad=[example["response"] for example in test["failure_examples"]],
    )


def mocked(mocks: list[Json], arguments: Json) -> Outcome | None:
    """The answer of the first mock whose conditions hold, or None."""
    for mock in mocks:
        if not _mismatches(mock.get("parameter_conditions") or [], arguments):
            text = mock["mock_result"]
            try:
                result: Any = json.loads(text)
            except ValueError:
                result = text
            return Outcome(result, is_error=bool(mock.get("is_error")))
    return None


def _mismatches(parameters: list[Json], arguments: Json) -> list[str]:
    found: list[str] = []
    for parameter in parameters:
        value = at_path(arguments, parameter["path"])
        if value is None or not _fits(parameter["eval"], value):
            found.append(f"{parameter['path']} is {json.dumps(value)}")
    return found


def _fits(rule: Json, value: Any) -> bool:
    text = value if isinstance(value, str) else json.dumps(value)
    if rule["type"] == "exact":
        return bool(text == rule["expected_value"])
    if rule["type"] == "regex":
        try:
            return re.search(rule["pattern"], text[:REGEX_LIMIT]) is not None
        except re.error:
            return False
    if rule["type"] == "llm":
        return judged(rule["description"], text).result == "success"
    return True
