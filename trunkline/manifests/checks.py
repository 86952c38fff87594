"""Documents that are right by themselves and wrong together.

Each rule looks at an agent as it is in an environment, so that an override cannot bring in what
the agent itself was refused.
"""

import re
from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from trunkline.manifests.inventory import Inventory
from trunkline.manifests.suggestions import nearest
from trunkline.model.kinds import Agent, AgentContent, KnowledgeDocument, PhoneNumber, Tool
from trunkline.model.kinds.agent import BuiltinTool
from trunkline.model.manifests import Placed
from trunkline.model.problems import Position, Problem

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_GIVEN_BY_PLATFORM = ("system__", "secret__")


def check_together(inventory: Inventory) -> Iterator[Problem]:
    """Everything that only shows when documents are seen side by side."""
    heirs: dict[str, str] = {}
    for agent in inventory.agents.values():
        yield from _agent(inventory, agent)
        former = agent.manifest.metadata.renamed_from
        heir = heirs.setdefault(former, agent.manifest.name) if former is not None else ""
        if heir not in ("", agent.manifest.name):
            yield Problem(
                position=agent.positions.value("metadata.renamedFrom"),
                message=f"agent `{heir}` says the same; only one can have been `{former}`",
            )
        if former is not None and former in inventory.names("Agent"):
            yield Problem(
                position=agent.positions.value("metadata.renamedFrom"),
                message=f"agent `{former}` is still there; a rename leaves the old name behind",
            )
    yield from _numbers(inventory)
    for kind in (inventory.agents, inventory.tools, inventory.knowledge):
        yield from _adoptions(inventory, kind)


def _adoptions(
    inventory: Inventory,
    placed: Mapping[str, Placed[Agent]]
    | Mapping[str, Placed[Tool]]
    | Mapping[str, Placed[KnowledgeDocument]],
) -> Iterator[Problem]:
    """An object on the platform is taken over by one document only."""
    first: dict[tuple[str, str], str] = {}
    for each in placed.values():
        for environment, external_id in each.manifest.metadata.adopt.items():
            path = f"metadata.adopt.{environment}"
            if inventory.environments and environment not in inventory.environments:
                yield Problem(
                    position=each.positions.key(path),
                    message=f"there is no environment `{environment}`",
                    suggestion=nearest(environment, inventory.environments),
                )
            name = first.setdefault((environment, external_id), each.manifest.name)
            if name != each.manifest.name:
                yield Problem(
                    position=each.positions.value(path),
                    message=f"`{external_id}` is already taken over by `{name}`",
                )


def views(
    inventory: Inventory, agent: Placed[Agent]
) -> Iterator[tuple[str, AgentContent, tuple[str, ...]]]:
    """The agent by itself and in every environment that overrides it.

    With each, the paths below which its keys may stand, the override's first.
    """
    spec = agent.manifest.spec
    yield "", spec, ("spec",)
    for name in spec.overrides:
        if not inventory.environments or name in inventory.environments:
            yield name, _content_in(agent, name), (f"spec.overrides.{name}", "spec")


def _content_in(agent: Placed[Agent], environment: str) -> AgentContent:
    """What the agent is in an environment; itself where its override does not fit."""
    try:
        return agent.manifest.spec.content(environment)
    except ValidationError:
        return agent.manifest.spec


def check_views(inventory: Inventory) -> Iterator[Problem]:
    """Overrides that do not fit what they lie over."""
    for agent in inventory.agents.values():
        for name in agent.manifest.spec.overrides:
            try:
                agent.manifest.spec.content(name)
            except ValidationError as error:
                yield Problem(
                    position=agent.positions.key(f"spec.overrides.{name}"),
                    message=f"laid over the agent, it is invalid: {error.errors()[0]['msg']}",
                )


def warnings(inventory: Inventory) -> Iterator[Problem]:
    """What is allowed and probably not meant."""
    for agent in inventory.agents.values():
        for _, content, at in views(inventory, agent):
            yield from _undefined_variables(inventory, agent, content, at)
            yield from _calls_never_made(agent, content, at)
    for document in inventory.knowledge.values():
        if document.manifest.spec.source.website is not None:
            yield Problem(
                position=document.positions.value("spec.source.website"),
                message="websites are not crawled yet, and agents that use this one wait; name its "
                "pages one by one, each as a document with `url`",
            )
    for number in inventory.numbers.values():
        if not number.manifest.spec.agents:
            yield Problem(
                position=number.positions.value("spec.number"),
                message="the number names no agent; nobody answers it",
            )
        for path, name in _destinations(number):
            placed = inventory.agents.get(name)
            environment = number.manifest.spec.environment
            if placed is not None and _lifecycle(placed, environment) == "draft":
                yield Problem(
                    position=number.positions.value(path),
                    message=f"agent `{name}` is a draft in {environment}; nobody answers",
                )


def _agent(inventory: Inventory, agent: Placed[Agent]) -> Iterator[Problem]:
    reported: set[Problem] = set()
    for _, content, at in views(inventory, agent):
        for problem in (
            *_callers(agent, content, at),
            *_slots(agent, content, at),
            *_functions(inventory, agent, content, at),
        ):
            if problem not in reported:
                reported.add(problem)
                yield problem


def _place(agent: Placed[Agent], at: tuple[str, ...], path: str, *, key: bool = False) -> Position:
    """Where a key of the agent stands in the first of the places that has it."""
    for base in at:
        full = f"{base}.{path}"
        if full in agent.positions.places:
            return agent.positions.key(full) if key else agent.positions.value(full)
    return agent.positions.value(at[0])


def _calls_never_made(
    agent: Placed[Agent], content: AgentContent, at: tuple[str, ...]
) -> Iterator[Problem]:
    if content.direction == "inbound" and content.outbound is not None:
        yield Problem(
            position=_place(agent, at, "outbound", key=True),
            message="an inbound agent calls nobody; remove `outbound` or set `direction: both`",
        )


def _callers(agent: Placed[Agent], content: AgentContent, at: tuple[str, ...]) -> Iterator[Problem]:
    if content.direction == "outbound" and not (content.outbound and content.outbound.from_numbers):
        yield Problem(
            position=_place(agent, at, "direction"),
            message="no number is named that the agent may call from; add `outbound: { from: … }`",
        )


def _slots(agent: Placed[Agent], content: AgentContent, at: tuple[str, ...]) -> Iterator[Problem]:
    for name in sorted(content.context.keys() & content.variables.keys()):
        yield Problem(
            position=_place(agent, at, f"context.{name}", key=True),
            message=f"`{name}` is a variable and a context slot; one of them needs another name",
        )


def _functions(
    inventory: Inventory, agent: Placed[Agent], content: AgentContent, at: tuple[str, ...]
) -> Iterator[Problem]:
    """Tools and documents listed twice, and tools the model could not tell apart."""
    owners: dict[str, str] = {}
    listed: set[str] = set()
    for index, use in enumerate(content.tools):
        name = use if isinstance(use, str) else f"builtin {use.builtin}"
        if name in listed:
            position = _place(agent, at, f"tools[{index}]")
            yield Problem(position=position, message=f"tool `{name}` is listed twice")
            continue
        listed.add(name)
        function = _function(inventory, use)
        owner = owners.setdefault(function, name) if function else name
        if owner != name:
            yield Problem(
                position=_place(agent, at, f"tools[{index}]"),
                message=f"tools `{owner}` and `{name}` both offer the function `{function}`; the "
                "model could not tell them apart",
            )
    if len(set(content.knowledge)) == len(content.knowledge):
        return
    for index, name in enumerate(content.knowledge):
        if content.knowledge.index(name) != index:
            position = _place(agent, at, f"knowledge[{index}]")
            yield Problem(position=position, message=f"document `{name}` is listed twice")


def _function(inventory: Inventory, use: str | BuiltinTool) -> str:
    """The name the model sees, empty for a tool that is not there."""
    if isinstance(use, BuiltinTool):
        return use.builtin
    tool = inventory.tools.get(use)
    return tool.manifest.spec.function if tool is not None else ""


def _undefined_variables(
    inventory: Inventory, agent: Placed[Agent], content: AgentContent, at: tuple[str, ...]
) -> Iterator[Problem]:
    known = content.variables.keys() | content.context.keys()
    texts = [("firstMessage", content.first_message or "")]
    if content.prompt is not None:
        file = content.prompt.file
        path = "prompt.file" if file is not None else "prompt.text"
        stored = inventory.contents.get(agent.path_of(file)) if file is not None else None
        texts.append((path, content.prompt.text or (stored.text if stored else "")))
    for path, text in texts:
        for name in dict.fromkeys(_PLACEHOLDER.findall(text)):
            if name not in known and not name.startswith(_GIVEN_BY_PLATFORM):
                yield Problem(
                    position=_place(agent, at, path),
                    message=f"{{{{{name}}}}} is neither a variable nor a context slot; the call "
                    "fails unless it is given when the call starts",
                    suggestion=nearest(name, known),
                )


def _numbers(inventory: Inventory) -> Iterator[Problem]:
    first: dict[str, Placed[PhoneNumber]] = {}
    for number in inventory.numbers.values():
        e164 = number.manifest.spec.number
        before = first.setdefault(e164, number)
        if before is not number:
            yield _twice(number, before)
        for path, name in _destinations(number):
            agent = inventory.agents.get(name)
            environment = number.manifest.spec.environment
            if agent is not None and _direction_in(agent, environment) == "outbound":
                yield Problem(
                    position=number.positions.value(path),
                    message=f"agent `{name}` is outbound only and answers no calls",
                )


def _twice(number: Placed[PhoneNumber], before: Placed[PhoneNumber]) -> Problem:
    ours, theirs = number.manifest.spec.agents, before.manifest.spec.agents
    said_at = before.positions.value("spec.number")
    message = f"{number.manifest.spec.number} is already phone number `{before.manifest.name}`"
    if ours and theirs and ours != theirs:
        message = (
            f"{number.manifest.spec.number} would have two inbound agents, `{theirs[0]}` and "
            f"`{ours[0]}`: it is already phone number `{before.manifest.name}`"
        )
    return Problem(position=number.positions.value("spec.number"), message=f"{message} ({said_at})")


def _destinations(number: Placed[PhoneNumber]) -> Iterator[tuple[str, str]]:
    spec = number.manifest.spec
    if spec.agent is not None:
        yield "spec.agent", spec.agent
    for index, route in enumerate(spec.route or ()):
        key = "agent" if route.otherwise is None else "otherwise"
        yield f"spec.route[{index}].{key}", route.target


def _direction_in(agent: Placed[Agent], environment: str) -> str:
    return _content_in(agent, environment).direction


def _lifecycle(agent: Placed[Agent], environment: str) -> str:
    return _content_in(agent, environment).lifecycle
