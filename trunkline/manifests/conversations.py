"""Conversation tests beside the agents they are about.

A test that names a tool, an argument or a document its agent does not have would pass or fail for
that reason alone, and one whose checks cannot apply would say nothing; both are found here and not
in a run. How a check is decided is unknown.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from trunkline.manifests.checks import views
from trunkline.manifests.inventory import Inventory
from trunkline.manifests.suggestions import nearest
from trunkline.model.errors import InvalidInput
from trunkline.model.kinds import Agent, AgentContent, ConversationTest, Tool
from trunkline.model.kinds.conversation import ConversationTestSpec
from trunkline.model.kinds.expectations import CallExpected, Calls
from trunkline.model.manifests import Placed
from trunkline.model.paths import MISSING, child, find
from trunkline.model.problems import Problem
from trunkline.model.testing.calibration import parse_sample

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}|'dynamic_variable': '([^']+)'")
_PROMPT = ("conversation_config", "agent", "prompt")
_BUILTINS = (*_PROMPT, "built_in_tools")
_SERVERS = ((*_PROMPT, "mcp_server_ids"), (*_PROMPT, "native_mcp_server_ids"))
_ARGUMENTS_ELSEWHERE = frozenset({"api_schema", "parameters"})
"""Keys below a tool's ``elevenlabs`` that can add arguments we do not know."""


@dataclass(slots=True)
class _Offer:
    """What an agent offers in any environment. Not ``whole`` if it may offer more than is known."""

    tools: dict[str, list[Tool]] = field(default_factory=dict)
    builtins: set[str] = field(default_factory=set)
    documents: set[str] = field(default_factory=set)
    whole: bool = True

    @property
    def functions(self) -> set[str]:
        return self.builtins | self.tools.keys()

    def arguments(self, function: str) -> set[str] | None:
        """Names of the arguments it takes; None if they are not known."""
        found: set[str] = set()
        for tool in self.tools.get(function, ()):
            if _ARGUMENTS_ELSEWHERE & tool.spec.elevenlabs.keys():
                return None
            properties = tool.spec.parameters.get("properties")
            found.update(properties if isinstance(properties, dict) else ())
        return found if function in self.tools else None


def check_tests(inventory: Inventory) -> Iterator[Problem]:
    """Tests that ask for what their agent does not have, or that check nothing."""
    offers: dict[str, _Offer] = {}
    for test in inventory.tests.values():
        yield from _something_to_check(test)
        yield from _samples(inventory, test)
        agent = inventory.agents.get(test.manifest.spec.agent)
        if agent is None:
            continue
        offer = offers.get(agent.manifest.name)
        if offer is None:
            offer = offers[agent.manifest.name] = _offer(inventory, agent)
        yield from _stubs(test, offer)
        yield from _functions(test, offer)
        yield from _documents(inventory, test, offer)


def cautions_about_tests(inventory: Inventory) -> Iterator[Problem]:
    """What a test may say and probably does not mean."""
    for test in inventory.tests.values():
        yield from _in_vain(test)
        agent = inventory.agents.get(test.manifest.spec.agent)
        if agent is not None and test.manifest.spec.variables:
            yield from _variables(test, inventory, agent)


def _offer(inventory: Inventory, agent: Placed[Agent]) -> _Offer:
    found = _Offer()
    for _, content, _ in views(inventory, agent):
        given = find(content.elevenlabs, _BUILTINS)
        found.builtins.update(content.builtin_names, given if isinstance(given, dict) else ())
        found.whole &= all(find(content.elevenlabs, path) in (MISSING, []) for path in _SERVERS)
        found.documents.update(content.knowledge)
        for name in content.tool_names:
            tool = inventory.tools.get(name)
            if tool is None:
                found.whole = False
            else:
                found.tools.setdefault(tool.manifest.spec.function, []).append(tool.manifest)
    return found


def _variables_of(inventory: Inventory, agent: Placed[Agent]) -> set[str]:
    """Every variable the agent gives a value to, and every one something of it asks for."""
    found: set[str] = set()
    for _, content, _ in views(inventory, agent):
        found |= content.variables.keys() | content.context.keys()
        for text in _texts(inventory, agent, content):
            found.update(one or other for one, other in _VARIABLE.findall(text))
    return found


def _texts(inventory: Inventory, agent: Placed[Agent], content: AgentContent) -> Iterator[str]:
    """Everything of the agent that may name a variable."""
    yield content.first_message or ""
    yield str(content.elevenlabs)
    if content.prompt is not None:
        file = content.prompt.file
        stored = inventory.contents.get(agent.path_of(file)) if file is not None else None
        yield content.prompt.text or (stored.text if stored else "")
    persona = inventory.personas.get(content.persona or "")
    yield persona.manifest.spec.conversation_prompt if persona else ""
    for name in content.tool_names:
        tool = inventory.tools.get(name)
        yield str(tool.manifest.spec) if tool else ""


def _something_to_check(test: Placed[ConversationTest]) -> Iterator[Problem]:
    spec = test.manifest.spec
    checks = sum(len(turn.expect) for turn in spec.turns) + len(spec.always) + len(spec.at_end)
    if not checks:
        yield Problem(
            position=test.positions.value("spec"),
            message="the test checks nothing; add an `expect` to a turn",
        )
    elif not any(_applicable(spec)):
        yield Problem(
            position=test.positions.value("spec.mode"),
            message=f"none of its checks applies in mode {spec.mode}; it would never pass",
        )


def _applicable(spec: ConversationTestSpec) -> Iterator[bool]:
    """For every check, whether the mode can evaluate it."""
    sounds = spec.mode != "text"
    for turn in spec.turns:
        for expectation in turn.expect:
            heard = turn.needs_sound or expectation.stops_within is not None
            yield sounds or not heard
    yield from (True for _ in spec.always)
    for line in spec.at_end:
        yield sounds or line.audio is None


def _samples(inventory: Inventory, test: Placed[ConversationTest]) -> Iterator[Problem]:
    """Samples for the judge that are none."""
    for index, file in enumerate(test.manifest.spec.judge.calibrate):
        content = inventory.contents.get(test.path_of(file))
        try:
            if content is not None:
                parse_sample(file, content.text)
        except InvalidInput as error:
            position = test.positions.value(f"spec.judge.calibrate[{index}]")
            yield Problem(position=position, message=error.message)


def _stubs(test: Placed[ConversationTest], offer: _Offer) -> Iterator[Problem]:
    for function, stubs in test.manifest.spec.tools.stubs.items():
        path = child("spec.tools", function)
        if function in offer.builtins - offer.tools.keys():
            yield Problem(
                position=test.positions.key(path),
                message=f"`{function}` is a tool of the platform, which answers it itself; "
                "remove it here",
            )
            continue
        yield from _function(test, offer, function, path, key=True)
        for index, stub in enumerate(stubs):
            names = stub.when.args if stub.when is not None else ()
            yield from _arguments(test, offer, function, names, f"{path}[{index}].when.args")


def _functions(test: Placed[ConversationTest], offer: _Offer) -> Iterator[Problem]:
    spec = test.manifest.spec
    for index, turn in enumerate(spec.turns):
        for at, expectation in enumerate(turn.expect):
            path = f"spec.turns[{index}].expect[{at}]"
            yield from _calls(test, offer, expectation.calls, f"{path}.calls")
            if expectation.no_call is not None:
                yield from _function(test, offer, expectation.no_call, f"{path}.noCall")
    for index, line in enumerate(spec.always):
        if line.no_call is not None:
            yield from _function(test, offer, line.no_call, f"spec.always[{index}].noCall")
    for index, total in enumerate(spec.at_end):
        for function in total.calls_total or ():
            path = child(f"spec.finally[{index}].callsTotal", function)
            yield from _function(test, offer, function, path, key=True)


def _calls(
    test: Placed[ConversationTest], offer: _Offer, calls: Calls | None, path: str
) -> Iterator[Problem]:
    if isinstance(calls, tuple):
        for index, each in enumerate(calls):
            yield from _calls(test, offer, each, f"{path}[{index}]")
    elif isinstance(calls, CallExpected):
        yield from _function(test, offer, calls.name, f"{path}.name")
        yield from _arguments(test, offer, calls.name, calls.args, f"{path}.args")
    elif calls is not None:
        yield from _function(test, offer, calls, path)


def _function(
    test: Placed[ConversationTest], offer: _Offer, function: str, path: str, *, key: bool = False
) -> Iterator[Problem]:
    if function in offer.functions:
        return
    meant = nearest(function, offer.functions)
    if offer.whole or meant:
        yield Problem(
            position=test.positions.key(path) if key else test.positions.value(path),
            message=f"agent `{test.manifest.spec.agent}` has no function `{function}`"
            + ("" if meant else _instead(offer.functions)),
            suggestion=meant,
        )


def _arguments(
    test: Placed[ConversationTest], offer: _Offer, function: str, names: Iterable[str], path: str
) -> Iterator[Problem]:
    known = offer.arguments(function)
    for name in names if known is not None else ():
        if known is not None and name not in known:
            meant = nearest(name, known)
            yield Problem(
                position=test.positions.key(child(path, name)),
                message=f"`{function}` takes no argument `{name}`"
                + ("" if meant else _instead(known)),
                suggestion=meant,
            )


def _instead(known: Iterable[str]) -> str:
    names = sorted(known)
    return f"; there are {', '.join(names)}" if names else "; there is none"


def _documents(
    inventory: Inventory, test: Placed[ConversationTest], offer: _Offer
) -> Iterator[Problem]:
    for index, line in enumerate(test.manifest.spec.at_end):
        name = line.grounded_in
        document = inventory.knowledge.get(name or "")
        if name is None or document is None:
            continue
        message = ""
        source = document.manifest.spec.source
        if name not in offer.documents:
            agent = test.manifest.spec.agent
            message = f"agent `{agent}` does not have document `{name}`{_instead(offer.documents)}"
        elif source.text is None and (source.file is None or source.upload):
            message = (
                f"the text of document `{name}` is not in this repository; nothing can be held"
            )
            message += " against it"
        if message:
            position = test.positions.value(f"spec.finally[{index}].groundedIn")
            yield Problem(position=position, message=message)


def _in_vain(test: Placed[ConversationTest]) -> Iterator[Problem]:
    spec = test.manifest.spec
    if spec.improvised and spec.gate == "required":
        yield Problem(
            position=test.positions.value("spec.gate"),
            message="a model plays the caller, so a run may fail through no fault of the agent; "
            "`advisory` is what such a test is good for",
        )
    if spec.mode == "phone":
        yield Problem(
            position=test.positions.value("spec.mode"),
            message="nobody places calls for tests yet; such a test is inconclusive",
        )
    speaking = sum(
        any(each is not None for each in (turn.say, turn.dtmf, turn.audio_file, turn.as_caller))
        for turn in spec.turns
    )
    if spec.limits.turns is not None and speaking > spec.limits.turns:
        yield Problem(
            position=test.positions.value("spec.limits.turns"),
            message=f"the caller has {speaking} turns in the script; every run would fail",
        )
    for path in _only_heard(spec) if spec.mode == "text" else ():
        key = path.rpartition(".")[2]
        yield Problem(
            position=test.positions.key(path),
            message=f"`{key}` does not apply in mode text, where nobody is heard",
        )


def _only_heard(spec: ConversationTestSpec) -> Iterator[str]:
    """Paths of everything that means something only where there is sound."""
    for index, turn in enumerate(spec.turns):
        path = f"spec.turns[{index}]"
        if turn.needs_sound:
            yield f"{path}.{'dtmf' if turn.dtmf is not None else 'audioFile'}"
        if turn.interrupt is not None:
            yield f"{path}.interrupt"
        for at, expectation in enumerate(turn.expect):
            if expectation.stops_within is not None:
                yield f"{path}.expect[{at}].stopsWithin"
    for index, line in enumerate(spec.at_end):
        if line.audio is not None:
            yield f"spec.finally[{index}].audio"


def _variables(
    test: Placed[ConversationTest], inventory: Inventory, agent: Placed[Agent]
) -> Iterator[Problem]:
    if not _offer(inventory, agent).whole:
        return
    known = _variables_of(inventory, agent)
    for name in test.manifest.spec.variables:
        if name not in known:
            yield Problem(
                position=test.positions.key(child("spec.variables", name)),
                message=f"agent `{agent.manifest.name}` makes no use of a variable `{name}`",
                suggestion=nearest(name, known),
            )
