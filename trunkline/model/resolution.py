"""From checked manifests to wishes: every reference resolved, every override and persona laid in.

A wish is complete, so whoever plans or applies it needs no manifests. Environments that follow
releases get no agents from the branch, only their numbers; agents that were never released there
are named as waiting for a first release. Nothing here reads files or knows a vendor.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import is_
from typing import TypeAlias, TypeVar

from trunkline.model.base import JsonObject
from trunkline.model.calls.orders import RetryRule
from trunkline.model.canonical import digest
from trunkline.model.closures import (
    Shared,
    closure_digest,
    prompt_text,
)
from trunkline.model.desired import (
    DesiredAgent,
    DesiredDocument,
    DesiredLine,
    DesiredModel,
    DesiredNumber,
    DesiredOutbound,
    DesiredTool,
    DesiredVoice,
)
from trunkline.model.ids import (
    AgentName,
    Digest,
    EnvironmentName,
    ExternalId,
    ProjectName,
    Revision,
)
from trunkline.model.kinds import Agent, AgentContent, KnowledgeDocument, Persona, Tool
from trunkline.model.kinds.number import PhoneNumberSpec, Route
from trunkline.model.kinds.project import Accounts, Environment, Project
from trunkline.model.limits import CLOSURE_CACHE_MAX_AGENTS
from trunkline.model.manifests import Manifests, Placed
from trunkline.model.personas import VOICE_IDS, settings_of, voice_of
from trunkline.model.records import RecordKind, WishRecord

_Parts: TypeAlias = tuple[object, ...]
Item = TypeVar("Item", DesiredTool, DesiredDocument)

LATER_KEYS = ("adopt", "fileType", "outbound", "lines", "skill", "drainS")
"""Keys of a wish that came later: left out while unset, so that an upgrade wakes nobody."""

SKILL_LABEL = "skill"
"""The label of a number that says what its calls are about, unless a call says something else."""

_ELEMENT = re.compile(r"\[[0-9]+\]")
_FROM_PERSONA = (
    "spec.prompt",
    "spec.voice.id",
    "spec.voice.stability",
    "spec.voice.similarityBoost",
    "spec.voice.style",
    "spec.voice.speakerBoost",
)


@dataclass(frozen=True, slots=True)
class WaitingAgent:
    """An agent that an environment would run, had it ever been released there."""

    environment: EnvironmentName
    name: AgentName


@dataclass(frozen=True, slots=True)
class Wishlist:
    """What a commit wants, in every environment. ``contents`` maps a digest to what a
    document holds.
    """

    project: ProjectName
    agents: tuple[DesiredAgent, ...] = ()
    numbers: tuple[DesiredNumber, ...] = ()
    contents: Mapping[Digest, bytes] = field(default_factory=dict)
    waiting: tuple[WaitingAgent, ...] = ()

    def agent(self, environment: str, name: str) -> DesiredAgent | None:
        """The wish for one agent in one environment, or None."""
        return next(
            (a for a in self.agents if a.environment == environment and a.name == name), None
        )


class ResolutionCache:
    """Agents resolved for earlier commits, so that cost follows change; bounded, newest kept.

    An entry counts only while everything the agent is made of is the very same object as before,
    which holds as long as the manifests came from the same parsed files.
    """

    def __init__(self, agents_max: int = CLOSURE_CACHE_MAX_AGENTS) -> None:
        self._agents_max = agents_max
        self._agents: OrderedDict[tuple[str, str, str], tuple[_Parts, DesiredAgent]] = OrderedDict()
        self._bodies: OrderedDict[tuple[str, str, str], tuple[DesiredAgent, JsonObject, Digest]] = (
            OrderedDict()
        )

    def agent(
        self, key: tuple[str, str, str], parts: _Parts, make: Callable[[], DesiredAgent]
    ) -> DesiredAgent:
        """The agent resolved before from the same parts, or what ``make`` answers."""
        kept = self._agents.pop(key, None)
        if kept is None or not _same(kept[0], parts):
            kept = (parts, make())
        self._agents[key] = kept
        if len(self._agents) > self._agents_max:
            self._agents.popitem(last=False)
        return kept[1]

    def body(self, agent: DesiredAgent) -> tuple[JsonObject, Digest]:
        """The agent as JSON and its wish digest."""
        key = (agent.project, agent.environment, agent.name)
        kept = self._bodies.pop(key, None)
        if kept is None or kept[0] is not agent:
            kept = (agent, *_body(agent))
        self._bodies[key] = kept
        if len(self._bodies) > self._agents_max:
            self._bodies.popitem(last=False)
        return kept[1], kept[2]


def wishes(manifests: Manifests, *, kept: ResolutionCache | None = None) -> Wishlist:
    """The wishes of all environments, ordered by environment and name."""
    project = manifests.project.manifest
    shared = Shared(manifests)
    cache = kept or ResolutionCache()
    agents: list[DesiredAgent] = []
    waiting: list[WaitingAgent] = []
    environments = sorted(project.spec.environments, key=lambda each: each.name)
    for environment in environments:
        accounts = project.accounts(environment)
        for name in sorted(manifests.agents):
            placed = manifests.agents[name]
            content = placed.manifest.spec.content(environment.name)
            if content.lifecycle == "draft":
                continue
            if environment.source == "head":
                key = (project.name, environment.name, name)
                parts = _parts(shared, accounts, placed)
                make = partial(_agent, shared, environment, accounts, placed, content)
                agents.append(cache.agent(key, parts, make))
            elif (environment.name, name) not in manifests.releases.released:
                waiting.append(WaitingAgent(EnvironmentName(environment.name), AgentName(name)))
    return Wishlist(
        project=ProjectName(project.name),
        agents=tuple(agents),
        numbers=tuple(_numbers(manifests, environments)),
        contents=shared.contents(),
        waiting=tuple(waiting),
    )


def agent_wish(manifests: Manifests, environment: Environment, name: str) -> DesiredAgent | None:
    """What a commit would have an agent be in an environment, whatever that one follows; None for
    one the commit does not name, and for a draft.
    """
    return released_agent(Shared(manifests), manifests.project.manifest, environment, name)


def released_agent(
    shared: Shared, project: Project, environment: Environment, name: str
) -> DesiredAgent | None:
    """The same for a commit of the past under the ``project`` of today, which says whose accounts
    it is for; ``environment`` is one of that project.
    """
    placed = shared.manifests.agents.get(name)
    content = placed.manifest.spec.content(environment.name) if placed is not None else None
    if placed is None or content is None or content.lifecycle == "draft":
        return None
    wish = _agent(shared, environment, project.accounts(environment), placed, content)
    return wish.model_copy(update={"project": ProjectName(project.name)})


def records(
    wishlist: Wishlist, revision: Revision, *, kept: ResolutionCache | None = None
) -> tuple[WishRecord, ...]:
    """The wishes as rows; a row's digest leaves out positions, which move without meaning."""
    cache = kept or ResolutionCache()
    found = [_record("agent", agent, revision, *cache.body(agent)) for agent in wishlist.agents]
    found.extend(_record("number", number, revision, *_body(number)) for number in wishlist.numbers)
    return tuple(found)


def agent_record(wish: DesiredAgent, revision: Revision) -> WishRecord:
    """The wish for one agent as a row."""
    return _record("agent", wish, revision, *_body(wish))


def _record(
    kind: RecordKind,
    wish: DesiredAgent | DesiredNumber,
    revision: Revision,
    body: JsonObject,
    wish_digest: Digest,
) -> WishRecord:
    return WishRecord.model_construct(
        project=wish.project,
        environment=wish.environment,
        kind=kind,
        name=wish.name,
        wish_digest=wish_digest,
        revision=revision,
        body=body,
        removed=False,
    )


def _body(wish: DesiredAgent | DesiredNumber) -> tuple[JsonObject, Digest]:
    body = wish.model_dump(mode="json")
    return body, digest(_without_positions(body))


def _parts(shared: Shared, accounts: Accounts, placed: Placed[Agent]) -> _Parts:
    """Everything a resolved agent is made of, as the objects themselves."""
    spec = placed.manifest.spec
    manifests = shared.manifests
    found: list[object] = [placed.manifest, placed.positions.places, accounts.elevenlabs]
    for content in (spec, *spec.overrides.values()):
        if content.persona is not None:
            found.append(manifests.personas[content.persona].manifest)
        if content.prompt is not None and content.prompt.file is not None:
            found.append(manifests.contents[placed.path_of(content.prompt.file)])
        for name in content.tool_names:
            tool = manifests.tools[name]
            found.extend((tool.manifest, tool.positions.places))
        for name in content.knowledge:
            document = manifests.documents[name]
            found.extend((document.manifest, document.positions.places))
            source = document.manifest.spec.source
            if source.file is not None:
                files = manifests.uploads if source.upload else manifests.contents
                found.append(files[document.path_of(source.file)])
    return tuple(found)


def _same(first: _Parts, second: _Parts) -> bool:
    return len(first) == len(second) and all(map(is_, first, second))


def _without_positions(body: JsonObject) -> JsonObject:
    bare: JsonObject = {}
    for key, value in body.items():
        if key in ("position", "positions") or (key in LATER_KEYS and not value):
            continue
        if key in ("tools", "documents") and isinstance(value, list):
            bare[key] = [_without_positions(each) for each in value if isinstance(each, dict)]
        else:
            bare[key] = value
    return bare


def _agent(
    shared: Shared,
    environment: Environment,
    accounts: Accounts,
    placed: Placed[Agent],
    content: AgentContent,
) -> DesiredAgent:
    agent = placed.manifest
    manifests = shared.manifests
    persona = manifests.personas[content.persona].manifest if content.persona else None
    max_duration = content.limits.max_duration
    return DesiredAgent(
        project=ProjectName(manifests.project.manifest.name),
        environment=EnvironmentName(environment.name),
        name=AgentName(agent.name),
        digest=closure_digest(shared, placed),
        renamed_from=agent.metadata.renamed_from,
        adopt=_adopted(placed, environment),
        labels=agent.metadata.labels,
        display_name=content.display_name or agent.name,
        lifecycle=content.lifecycle,
        direction=content.direction,
        outbound=_outbound(content),
        prompt=_prompt(shared, placed, content, persona),
        first_message=content.first_message,
        language=content.language,
        model=DesiredModel(name=content.model.name, temperature=content.model.temperature),
        voice=_voice(content, persona, accounts),
        tools=tuple(
            _taken_over(shared.tools[name], manifests.tools[name], environment)
            for name in content.tool_names
        ),
        builtin_tools=content.builtin_names,
        documents=tuple(
            _taken_over(shared.documents[name], manifests.documents[name], environment)
            for name in content.knowledge
        ),
        variables=content.variables,
        context=content.context,
        max_duration_s=int(max_duration.total_seconds()) if max_duration else None,
        concurrency=content.limits.concurrency,
        elevenlabs=content.elevenlabs,
        positions=_positions(placed, environment.name),
    )


def _outbound(content: AgentContent) -> DesiredOutbound | None:
    """How the agent may call people; None if it calls nobody."""
    said = content.outbound
    if said is None or content.direction == "inbound":
        return None
    retry = said.retry
    return DesiredOutbound(
        from_numbers=said.from_numbers,
        windows=said.windows,
        retry=RetryRule(tries=retry.tries, pause_s=retry.pause.total_seconds(), after=retry.after),
    )


def _adopted(
    placed: Placed[Agent] | Placed[Tool] | Placed[KnowledgeDocument], environment: Environment
) -> ExternalId | None:
    """The object on the platform that is to be taken over in this environment."""
    named = placed.manifest.metadata.adopt.get(environment.name)
    return ExternalId(named) if named is not None else None


def _taken_over(
    item: Item, placed: Placed[Tool] | Placed[KnowledgeDocument], environment: Environment
) -> Item:
    adopt = _adopted(placed, environment)
    return item if adopt is None else item.model_copy(update={"adopt": adopt})


def _prompt(
    shared: Shared, placed: Placed[Agent], content: AgentContent, persona: Persona | None
) -> str | None:
    own = prompt_text(shared, placed, content.prompt) if content.prompt else None
    preamble = persona.spec.conversation_prompt.strip() if persona else ""
    if preamble and own is not None:
        return f"{preamble}\n\n{own}"
    return preamble or own


def _voice(content: AgentContent, persona: Persona | None, accounts: Accounts) -> DesiredVoice:
    """The agent's own settings, else the persona's, else None."""
    own = content.voice
    if persona is None:
        return DesiredVoice(
            id=own.id,
            stability=own.stability,
            similarity_boost=own.similarity_boost,
            speed=own.speed,
        )
    traits = persona.spec.traits
    chosen = voice_of(traits.temper, traits.chattiness)
    replaced = accounts.elevenlabs.voices if accounts.elevenlabs else {}
    settings = settings_of(traits.temper, traits.attachment)
    return DesiredVoice(
        id=own.id or replaced.get(chosen) or VOICE_IDS[chosen],
        stability=settings.stability if own.stability is None else own.stability,
        similarity_boost=(
            settings.similarity_boost if own.similarity_boost is None else own.similarity_boost
        ),
        speed=own.speed,
        style=settings.style,
        speaker_boost=settings.speaker_boost,
    )


def _positions(placed: Placed[Agent], environment: str) -> dict[str, str]:
    """``spec.…`` paths of the agent as it is in an environment, to ``file:line:column``.

    What a persona fills in is found where the persona is named.
    """
    file = placed.positions.file
    override = f"spec.overrides.{environment}."
    found: dict[str, str] = {}
    over: dict[str, str] = {}
    for path, (line, column, _, _) in placed.positions.places.items():
        if not path.startswith("spec") or _ELEMENT.search(path):
            continue
        if not path.startswith("spec.overrides"):
            found[path] = f"{file}:{line}:{column}"
        elif path.startswith(override):
            over[f"spec.{path.removeprefix(override)}"] = f"{file}:{line}:{column}"
    found.update(over)
    persona = found.get("spec.persona")
    if persona is not None:
        for path in _FROM_PERSONA:
            found.setdefault(path, persona)
    return found


def _numbers(manifests: Manifests, environments: list[Environment]) -> Iterator[DesiredNumber]:
    sources = {each.name: each.source for each in environments}
    by_place = sorted(
        manifests.numbers.values(),
        key=lambda each: (each.manifest.spec.environment, each.manifest.name),
    )
    for placed in by_place:
        spec = placed.manifest.spec
        if spec.environment not in sources:
            continue
        answering = spec.agents[-1] if spec.agents else None
        follows_head = sources[spec.environment] == "head"
        if answering is not None and follows_head:
            active = _lifecycle(manifests, answering, spec.environment) == "active"
            answering = answering if active else None
        body = spec.model_dump(mode="json", exclude_defaults=True)
        yield DesiredNumber(
            project=ProjectName(manifests.project.manifest.name),
            environment=EnvironmentName(spec.environment),
            name=placed.manifest.name,
            digest=digest(body),
            number=spec.number,
            routing=spec.routing,
            agent=AgentName(answering) if answering is not None else None,
            fallback_number=spec.fallback.number if spec.fallback else None,
            takeover=spec.takeover,
            position=str(placed.positions.value("spec.number")),
            lines=_lines(spec),
            skill=placed.manifest.metadata.labels.get(SKILL_LABEL, ""),
            drain_s=spec.cutover.drain.total_seconds() if spec.cutover else 0.0,
        )


def _lines(spec: PhoneNumberSpec) -> tuple[DesiredLine, ...]:
    """Who answers, in order, where calls come to us."""
    if spec.routing == "native":
        return ()
    if spec.route is None:
        return (DesiredLine(agent=AgentName(spec.agent)),) if spec.agent is not None else ()
    return tuple(_line(route) for route in spec.route)


def _line(route: Route) -> DesiredLine:
    agent, when = AgentName(route.target), route.when
    if when is None:
        return DesiredLine(agent=agent)
    return DesiredLine(
        agent=agent,
        hours=when.hours,
        timezone=when.timezone or "UTC",
        callers=when.callers,
        language=when.language,
        skill=when.skill,
        weight=when.weight,
    )


def _lifecycle(manifests: Manifests, agent: str, environment: str) -> str:
    return manifests.agents[agent].manifest.spec.content(environment).lifecycle
