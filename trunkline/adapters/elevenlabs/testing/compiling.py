"""A conversation test as tests of the vendor: what it can say there, and by path what it cannot.

The vendor tests one reply after a history (``llm``), one call of a tool (``tool``), or a whole
improvised conversation (``simulation``). A script's first input is such a reply; the turns after
it rest on replies nobody knows yet. Pure: tools are references here, ids come when a test is made.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import count
from typing import Final

from trunkline.adapters.elevenlabs.testing.conditions import (
    judged,
    mock_of,
    parameter_checks,
    reply_sentence,
)
from trunkline.model.base import Json, JsonObject
from trunkline.model.canonical import digest
from trunkline.model.desired import DesiredAgent
from trunkline.model.ids import reference
from trunkline.model.kinds.conversation import ConversationTest, Turn
from trunkline.model.kinds.expectations import Always, CallExpected, Expectation, Finally
from trunkline.model.shared_objects import object_key
from trunkline.model.testing.limits import HISTORY_TURNS_MAX
from trunkline.model.testing.platform_tests import (
    CompiledTest,
    Examples,
    LeftOut,
    PlatformTest,
)

EXAMPLES_MAX: Final = 5
CONDITIONS_MAX: Final = 30
SIMULATED_TURNS_MAX: Final = 50
SIMULATED_TURNS: Final = 5
"""Turns of an improvised conversation if nobody says how many: the vendor's own default."""
LATER: Final = "a later turn rests on a reply that is not known before it is spoken"
TEXT_ONLY: Final = "tests of the platform are text"
ONE_REPLY: Final = "one reply is tested, not a conversation"
LATENCY: Final = "how long something takes is not measured"


def compile_test(
    test: ConversationTest, desired: DesiredAgent, examples: Examples | None = None
) -> CompiledTest:
    """The tests that stand for ``test`` of the agent as it is wished for, and what is left out."""
    inputs = [turn for turn in test.spec.turns if has_input(turn)]
    if inputs and all(turn.as_caller is not None for turn in inputs):
        compiling: _Compiling = _Simulation(test, desired, examples or Examples())
    else:
        compiling = _Script(test, desired, examples or Examples())
    return compiling.compiled()


class _Compiling(ABC):
    """What scripts and simulations have in common; grows as the document is read."""

    def __init__(self, test: ConversationTest, desired: DesiredAgent, examples: Examples) -> None:
        self.name = test.metadata.name
        self.spec = test.spec
        self.desired = desired
        self.examples = examples
        self.tests: list[PlatformTest] = []
        self.left_out: list[LeftOut] = []
        self._tools = {tool.function: tool for tool in desired.tools}

    def compiled(self) -> CompiledTest:
        """Everything, once."""
        self.read_frame()
        self.read_turns()
        self.read_rest()
        return CompiledTest(name=self.name, tests=tuple(self.tests), left_out=tuple(self.left_out))

    @abstractmethod
    def read_turns(self) -> None:
        """The turns, each in its kind of test."""

    @abstractmethod
    def read_rest(self) -> None:
        """What holds for every reply and for the whole."""

    def read_frame(self) -> None:
        """Parts around the turns that no test of the vendor has a place for."""
        spec = self.spec
        frame: tuple[tuple[str, object, str], ...] = (
            ("mode", spec.mode != "text", TEXT_ONLY),
            ("limits.seconds", spec.limits.seconds, LATENCY),
            ("limits.costUsd", spec.limits.cost_usd, "what a run costs is not limited"),
            ("clock", spec.clock, "the time cannot be set"),
            ("caller.voice", spec.caller.voice, TEXT_ONLY),
            ("caller.noise", spec.caller.noise, TEXT_ONLY),
            ("compare", spec.compare, "runs are not compared"),
            ("judge.model", spec.judge.model, "the platform judges by its own model"),
            ("judge.votes", spec.judge.votes > 1, "the platform's judge votes once"),
        )
        for path, said, why in frame:
            if said:
                self.leave_out(f"spec.{path}", why)

    def leave_out(self, path: str, why: str) -> None:
        """Name a part that no test stands for."""
        self.left_out.append(LeftOut(path=path, why=why))

    def add(self, body: JsonObject, source: str, check: str, wanted: str) -> None:
        """Keep a test; its digest is that of its body, so equal tests are one."""
        made = PlatformTest.model_validate(
            {
                "name": self.name,
                "kind": body["type"],
                "body": body,
                "digest": digest(body),
                "source": source,
                "check": check,
                "wanted": wanted,
            }
        )
        self.tests.append(made)

    def referenced(self, function: str) -> JsonObject | None:
        """How a test refers to a tool by the name the model sees; None if there is none."""
        tool = self._tools.get(function)
        if tool is not None:
            return {"id": tool_reference(self.desired, function), "type": tool.type}
        if function in self.desired.builtin_tools:
            return {"id": function, "type": "system"}
        return None

    def history(self) -> list[Json]:
        """What was said before: the greeting, unless the test brings a history of its own."""
        said: list[tuple[str, str]] = []
        if self.spec.history:
            for line in self.spec.history:
                speaker = "user" if line.caller is not None else "agent"
                said.append((speaker, line.caller or line.agent or ""))
        elif self.desired.first_message:
            greeting = filled(
                self.desired.first_message, {**self.desired.variables, **self.variables()}
            )
            said.append(("agent", greeting))
        return [_spoken(at, role, text) for at, (role, text) in enumerate(said)]

    def variables(self) -> dict[str, Json]:
        """Dynamic variables of the test."""
        return dict(self.spec.variables)


class _Script(_Compiling):
    """Scripted input: the first reply and the calls before it."""

    def read_turns(self) -> None:
        tested = next((at for at, turn in enumerate(self.spec.turns) if has_input(turn)), None)
        if self.spec.limits.turns is not None:
            self.leave_out("spec.limits.turns", ONE_REPLY)
        for tool, stubs in self.spec.tools.stubs.items():
            if stubs:
                self.leave_out(f"spec.tools.{tool}", "no tool is called where one reply is tested")
        for at, turn in enumerate(self.spec.turns):
            path = f"spec.turns[{at}]"
            if at == tested and turn.say is not None:
                self._read_turn(path, turn)
            elif tested is None or at < tested:
                self._leave_expectations(path, turn, "the greeting is not written by the model")
            else:
                self._leave_turn(path, turn)

    def read_rest(self) -> None:
        inputs = [turn for turn in self.spec.turns if has_input(turn)]
        alone = inputs[0].say if len(inputs) == 1 else None
        for at, rule in enumerate(self.spec.always):
            self._read_always(f"spec.always[{at}]", rule, alone)
        for at, ending in enumerate(self.spec.at_end):
            self._read_finally(f"spec.finally[{at}]", ending, alone)

    def _leave_turn(self, path: str, turn: Turn) -> None:
        unspoken = {
            "dtmf": "keys cannot be pressed",
            "silence": "silence cannot be kept",
            "audio_file": TEXT_ONLY,
            "inject": "context cannot be given in the middle",
        }
        for name, why in unspoken.items():
            if getattr(turn, name) is not None:
                key = "audioFile" if name == "audio_file" else name
                self.leave_out(f"{path}.{key}", why)
        if turn.interrupt is not None:
            self.leave_out(f"{path}.interrupt", "nobody can be interrupted in text")
        if turn.say is not None or turn.as_caller is not None:
            self.leave_out(f"{path}.{'say' if turn.say is not None else 'asCaller'}", LATER)
        self._leave_expectations(path, turn, LATER)

    def _leave_expectations(self, path: str, turn: Turn, why: str) -> None:
        for at, expected in enumerate(turn.expect):
            self.leave_out(f"{path}.expect[{at}]", why)
            self._leave_edges(f"{path}.expect[{at}]", expected)

    def _read_turn(self, path: str, turn: Turn) -> None:
        if turn.interrupt is not None:
            self.leave_out(f"{path}.interrupt", "nobody can be interrupted in text")
        history = self._asked(turn.say or "")
        if len(history) > HISTORY_TURNS_MAX:
            self.leave_out("spec.history", f"the platform takes {HISTORY_TURNS_MAX} lines in all")
            self._leave_expectations(path, turn, "its history is too long")
            return
        called = False
        for at, expected in enumerate(turn.expect):
            place = f"{path}.expect[{at}]"
            self._read_expectation(place, expected, history, called=called)
            self._leave_edges(place, expected)
            called = called or expected.calls is not None

    def _read_expectation(
        self, path: str, expected: Expectation, history: list[Json], *, called: bool
    ) -> None:
        if expected.calls is not None:
            for call in _calls(expected):
                self._add_call(path, call, history)
        elif expected.no_call is not None:
            self._add_absence(path, expected.no_call, history)
        elif expected.stops_within is not None:
            self.leave_out(f"{path}.stopsWithin", "nobody can be interrupted in text")
        elif called:
            self.leave_out(path, "a reply after a tool was used rests on the tool's answer")
        elif expected.says is not None:
            self._add_reply(path, "says", reply_sentence(expected.says), history)
        elif expected.judge is not None:
            self._add_reply(path, "judge", judged(expected.judge), history)

    def _leave_edges(self, path: str, expected: Expectation) -> None:
        edges = (
            ("within", expected.within, LATENCY),
            ("for", expected.watched, "a quiet time is not watched"),
            ("strict", expected.strict, "what comes after the reply is not seen"),
            ("order", expected.order == "listed", "each call is looked for by itself"),
        )
        for key, said, why in edges:
            if said:
                self.leave_out(f"{path}.{key}", why)

    def _read_always(self, path: str, rule: Always, alone: str | None) -> None:
        if rule.words is not None:
            self.leave_out(f"{path}.words", "words are not counted")
        elif rule.replies_within is not None:
            self.leave_out(f"{path}.repliesWithin", LATENCY)
        elif alone is None:
            self.leave_out(path, ONE_REPLY)
        elif rule.no_call is not None:
            self._add_absence(path, rule.no_call, self._asked(alone))
        elif rule.says is not None:
            self._add_reply(path, "says", reply_sentence(rule.says), self._asked(alone))
        elif rule.judge is not None:
            self._add_reply(path, "judge", judged(rule.judge), self._asked(alone))

    def _read_finally(self, path: str, ending: Finally, alone: str | None) -> None:
        criterion = ending.goal or ending.judge
        if alone is None or (ending.says is None and criterion is None):
            self.leave_out(*_beyond(path, ending))
        elif ending.says is not None:
            self._add_reply(path, "says", reply_sentence(ending.says), self._asked(alone))
        elif criterion is not None:
            check = "goal" if ending.goal is not None else "judge"
            self._add_reply(path, check, judged(criterion), self._asked(alone))

    def _asked(self, say: str) -> list[Json]:
        history = self.history()
        return [*history, _spoken(len(history), "user", filled(say, self.variables()))]

    def _add_reply(self, path: str, check: str, condition: str, history: list[Json]) -> None:
        judges = check == "judge"
        good = self.examples.good[:EXAMPLES_MAX] if judges else ()
        bad = self.examples.bad[:EXAMPLES_MAX] if judges else ()
        body: JsonObject = {
            "type": "llm",
            "chat_history": history,
            "success_condition": condition,
            "success_examples": [{"response": one, "type": "success"} for one in good],
            "failure_examples": [{"response": one, "type": "failure"} for one in bad],
            "dynamic_variables": self.variables(),
        }
        self.add(body, path, check, condition)

    def _add_call(self, path: str, call: CallExpected, history: list[Json]) -> None:
        tool = self.referenced(call.name)
        if tool is None:
            self.leave_out(path, f"the agent has no tool {call.name}")
            return
        checks: list[Json] = []
        for name, matcher in call.args.items():
            checks += parameter_checks(name, matcher)
        wanted: JsonObject = {"parameters": checks, "referenced_tool": tool}
        words = f"{call.name} is called"
        if call.args:
            words += f" with {', '.join(call.args)} as written"
        self.add(self._tool_body(wanted, history), path, "calls", words)

    def _add_absence(self, path: str, function: str, history: list[Json]) -> None:
        tool = self.referenced(function)
        if tool is None:
            self.leave_out(path, f"the agent has no tool {function}")
            return
        wanted: JsonObject = {"parameters": [], "referenced_tool": tool, "verify_absence": True}
        body = self._tool_body(wanted, history)
        self.add(body, path, "noCall", f"{function} is not called")

    def _tool_body(self, wanted: JsonObject, history: list[Json]) -> JsonObject:
        return {
            "type": "tool",
            "chat_history": history,
            "tool_call_parameters": wanted,
            "check_any_tool_matches": not wanted.get("verify_absence", False),
            "dynamic_variables": self.variables(),
        }


class _Simulation(_Compiling):
    """An improvised conversation, judged as a whole."""

    def __init__(self, test: ConversationTest, desired: DesiredAgent, examples: Examples) -> None:
        super().__init__(test, desired, examples)
        self._conditions: list[str] = []
        self._source = next(
            f"spec.turns[{at}].asCaller"
            for at, turn in enumerate(self.spec.turns)
            if turn.as_caller is not None
        )

    def read_turns(self) -> None:
        for at, turn in enumerate(self.spec.turns):
            for number, expected in enumerate(turn.expect):
                self._read_expectation(f"spec.turns[{at}].expect[{number}]", turn, expected)

    def read_rest(self) -> None:
        for at, rule in enumerate(self.spec.always):
            path = f"spec.always[{at}]"
            if rule.judge is not None:
                self._add(path, f"In every reply of the agent this holds: {rule.judge}")
            elif rule.says is not None:
                sentence = reply_sentence(rule.says)
                self._add(path, f"For every reply of the agent this holds: {sentence}")
            else:
                self.leave_out(path, LATENCY if rule.replies_within else "it is not counted")
        for at, ending in enumerate(self.spec.at_end):
            path = f"spec.finally[{at}]"
            criterion = ending.goal or ending.judge
            if criterion is not None:
                self._add(path, criterion)
            elif ending.says is not None:
                self._add(path, f"For some reply this holds: {reply_sentence(ending.says)}")
            else:
                self.leave_out(*_beyond(path, ending))
        if self._conditions:
            body = self._body(self._mocks())
            self.add(body, self._source, "asCaller", " ".join(self._conditions))

    def _read_expectation(self, path: str, turn: Turn, expected: Expectation) -> None:
        alone = sum(1 for each in self.spec.turns if has_input(each)) == 1
        if turn.as_caller is None:
            self.leave_out(path, "the greeting is not written by the model")
        elif expected.judge is not None and alone:
            self._add(path, expected.judge)
        else:
            self.leave_out(path, "an improvised conversation is judged as a whole")

    def _add(self, path: str, condition: str) -> None:
        if len(self._conditions) < CONDITIONS_MAX:
            self._conditions.append(condition)
        else:
            self.leave_out(path, f"the platform judges {CONDITIONS_MAX} conditions at most")

    def _mocks(self) -> JsonObject:
        """Answers by tool reference; what of a stub cannot be said is left out on the way."""
        overrides: dict[str, Json] = {}
        for function, stubs in self.spec.tools.stubs.items():
            path = f"spec.tools.{function}"
            if function not in self._tools:
                self.leave_out(path, f"{function} is no tool of the agent that could be mocked")
                continue
            answers: list[Json] = []
            always = False
            for at, stub in enumerate(stubs):
                if always and stub.when is None:
                    self.leave_out(f"{path}[{at}]", "answers do not come one after another")
                    continue
                mock = mock_of(stub)
                for key, why in mock.lost:
                    self.leave_out(f"{path}[{at}].{key}", f"{why} cannot be simulated")
                if mock.body is not None:
                    answers.append(mock.body)
                    always = always or stub.when is None
            overrides[tool_reference(self.desired, function)] = answers
        return overrides

    def _body(self, overrides: JsonObject) -> JsonObject:
        live = self.spec.tools.live
        everything = sorted(tool_reference(self.desired, one) for one in self._tools)
        mocked: list[Json] = [*sorted(overrides)] if live else [*everything]
        return {
            "type": "simulation",
            "chat_history": self.history() if self.spec.history else [],
            "simulation_scenario": self._scenario(),
            "success_conditions": [*self._conditions],
            "simulation_max_turns": self._turns(),
            "tool_mock_config": {
                "mocking_strategy": "selected" if live else "all",
                "fallback_strategy": "call_real_tool" if live else "raise_error",
                "mocked_tool_ids": mocked,
            },
            "tool_mock_overrides": overrides,
            "dynamic_variables": self.variables(),
        }

    def _turns(self) -> int:
        asked = [turn.max_turns for turn in self.spec.turns if turn.max_turns is not None]
        wanted = self.spec.limits.turns or sum(asked) or SIMULATED_TURNS
        if wanted > SIMULATED_TURNS_MAX:
            why = f"the platform simulates {SIMULATED_TURNS_MAX} turns at most"
            self.leave_out("spec.limits.turns" if self.spec.limits.turns else self._source, why)
        return min(wanted, SIMULATED_TURNS_MAX)

    def _scenario(self) -> str:
        caller = self.spec.caller
        goals = [turn.as_caller for turn in self.spec.turns if turn.as_caller is not None]
        parts = [caller.persona] if caller.persona else []
        if caller.language:
            parts.append(f"You speak the language {caller.language}.")
        numbers = count(1)
        wishes = goals if len(goals) == 1 else [f"{next(numbers)}. {goal}" for goal in goals]
        parts.append("What you do in this call:\n" + "\n".join(wishes))
        return "\n\n".join(parts)


def has_input(turn: Turn) -> bool:
    """True unless the agent begins in the turn."""
    return any(getattr(turn, name) is not None for name in Turn.INPUTS)


def tool_reference(desired: DesiredAgent, function: str) -> str:
    """A placeholder for the id of the agent's tool of that name."""
    tool = next(tool for tool in desired.tools if tool.function == function)
    return reference("tool", object_key(tool.name, tool.digest))


def filled(text: str, variables: Mapping[str, Json]) -> str:
    """The text with ``{{name}}`` replaced where the variable is known."""
    for name, value in variables.items():
        text = text.replace(f"{{{{{name}}}}}", str(value))
    return text


def _calls(expected: Expectation) -> tuple[CallExpected, ...]:
    calls = expected.calls
    listed = calls if isinstance(calls, tuple) else (calls,) if calls is not None else ()
    return tuple(
        call if isinstance(call, CallExpected) else CallExpected(name=call) for call in listed
    )


def _beyond(path: str, ending: Finally) -> tuple[str, str]:
    """The path and the reason of something at the end that no test of the vendor can say."""
    reasons = {
        "calls_total": "calls are not counted",
        "ends": "who ends the conversation is not seen",
        "variables": "variables are not read",
        "grounded_in": "the text of a document is not given to the platform's judge",
        "audio": TEXT_ONLY,
    }
    for name, why in reasons.items():
        if getattr(ending, name) is not None:
            return path, why
    return path, ONE_REPLY


def _spoken(at: int, role: str, message: str) -> JsonObject:
    return {"role": role, "message": message, "time_in_call_secs": at}
