"""Wishes, a voice platform made of pure functions, and the loop that applies a plan to it.

The platform merges as ElevenLabs says it does: objects deeply, arrays whole, null deletes a map's
key and resets anything else, and everything nobody set is filled in.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import strategies as st

from trunkline.adapters.elevenlabs.rendering import RULES, render_agent
from trunkline.model.base import Json, JsonObject
from trunkline.model.canonical import digest
from trunkline.model.desired import (
    DesiredAgent,
    DesiredDocument,
    DesiredModel,
    DesiredTool,
    DesiredVoice,
    SecretReference,
)
from trunkline.model.diffs import Patterns
from trunkline.model.ids import AgentName, EnvironmentName, ExternalId, ProjectName
from trunkline.model.ledger import LedgerEntry
from trunkline.model.observed import ObservedAgent
from trunkline.model.paths import MISSING, find
from trunkline.model.planner import plan_agent
from trunkline.model.plans import Plan
from trunkline.model.shared_objects import KnownObjects, needed_references
from trunkline.model.writes import (
    create_body,
    defaults_before,
    identity_tags,
    settled_entry,
    update_patch,
    verify_read_back,
)

MAPS = Patterns(RULES.maps)

NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta", "epsilon"])
TEXTS = st.sampled_from([None, "", "Hello", "Grüß Gott\r\nhier", 'a "quoted" b.c'])
SHARES = st.sampled_from([None, 0, 0.0, 0.5, 1, 1.0, 0.7])
SPEEDS = st.sampled_from([None, 0.7, 1, 1.0, 1.2])
CRITERIA = [
    {"id": "greet", "name": "Greets", "conversation_goal_prompt": "Greets the caller"},
    {"id": "books", "name": "", "conversation_goal_prompt": "Books a slot"},
]
VARIABLES = st.dictionaries(
    st.sampled_from(["company", "a.b", 'q"uote', "x[0]", "*", "hours"]),
    st.sampled_from(["", "ACME", "9-18"]),
    max_size=4,
)
HATCHES: st.SearchStrategy[JsonObject] = st.fixed_dictionaries(
    {},
    optional={
        "platform_settings": st.fixed_dictionaries(
            {},
            optional={
                "evaluation": st.sampled_from(
                    [{"criteria": CRITERIA}, {"criteria": CRITERIA[:1]}, {"criteria": []}]
                ),
                "data_collection": st.dictionaries(
                    NAMES, st.just({"type": "string", "description": "said"}), max_size=3
                ),
                "privacy": st.sampled_from([{"record_voice": False}, {"retention_days": 30}]),
            },
        ),
        "conversation_config": st.fixed_dictionaries(
            {},
            optional={
                "turn": st.sampled_from([{"turn_timeout": 9}, {"turn_timeout": 9.0}]),
                "asr": st.just({"keywords": ["slot", "haircut"]}),
                "language_presets": st.dictionaries(
                    st.sampled_from(["de", "fr"]),
                    st.just({"overrides": {"agent": {"first_message": "Hallo"}}}),
                    max_size=2,
                ),
            },
        ),
    },
)


def merged(base: Json, patch: Json, keys: tuple[str, ...] = ()) -> Json:
    """A patch applied the way the platform documents it."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result: JsonObject = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        below = (*keys, key)
        if value is None and keys in MAPS:
            result.pop(key, None)
        elif value is None and (default := find(RULES.defaults, below)) is not MISSING:
            result[key] = copy.deepcopy(default)
        else:
            result[key] = merged(result.get(key), value, below)
    return result


@dataclass
class World:
    """One agent on one platform, with the ledger row we keep of it."""

    entry: LedgerEntry
    observed: ObservedAgent | None = None
    bindings: dict[str, ExternalId] = field(default_factory=dict)
    patches: list[JsonObject] = field(default_factory=list)
    previous: DesiredAgent | None = None

    def plan(self, desired: DesiredAgent, **options: Any) -> Plan:
        return plan_agent(
            desired,
            render_agent(desired),
            RULES,
            entry=self.entry,
            observed=self.observed,
            shared=KnownObjects(bindings=self.bindings),
            previous=self.previous,
            **options,
        )

    def apply(self, desired: DesiredAgent) -> Plan:
        """Execute the plan of a wish, step by step, and remember what a ledger would."""
        plan = self.plan(desired)
        rendering = render_agent(desired)
        for needed in needed_references(desired):
            self.bindings.setdefault(needed, ExternalId(f"id-{digest(needed)[-8:]}"))
        for step in plan.steps:
            if step.subject != "agent":
                continue
            if self.observed is None:
                body = create_body(rendering, self.bindings, nonce=self.entry.nonce)
                self._write(merged(copy.deepcopy(RULES.defaults), body))
                continue
            learnt = defaults_before(self.observed, rendering, self.entry, RULES)
            self.entry = self.entry.model_copy(update={"defaults": learnt})
            patch = update_patch(
                step,
                rendering,
                self.bindings,
                nonce=self.entry.nonce,
                observed_tags=self.observed.tags,
                former_tags=identity_tags(desired)[1:],
            )
            self.patches.append(patch)
            self._write(merged(self._tree(), patch))
            assert verify_read_back(patch, self.observed, RULES) == ()
        self.entry = settled_entry(self.entry, rendering, self.bindings, desired)
        self.previous = desired
        return plan

    def edit(self, patch: JsonObject) -> None:
        """Somebody else's edit."""
        self._write(merged(self._tree(), patch))

    def reshape(self, change: Callable[[JsonObject], JsonObject]) -> None:
        """Another spelling of the same state, as real answers have it."""
        self._write(change(copy.deepcopy(self._tree())))

    def _tree(self) -> JsonObject:
        assert self.observed is not None
        tree = self.observed.body
        return {**tree, "name": self.observed.name, "tags": list(self.observed.tags)}

    def _write(self, tree: Json) -> None:
        assert isinstance(tree, dict)
        tags = tree["tags"]
        assert isinstance(tags, list)
        version = len(self.patches) + 1
        self.observed = ObservedAgent(
            external_id=ExternalId("agent_1"),
            name=str(tree["name"]),
            tags=tuple(str(tag) for tag in tags),
            version_id=f"agtvrsn_{version}",
            branch_id="agtbrch_1",
            body={key: value for key, value in tree.items() if key not in ("name", "tags")},
        )
        self.entry = self.entry.model_copy(update={"external_id": self.observed.external_id})


@pytest.fixture
def make_agent() -> Callable[..., DesiredAgent]:
    """A wish; every argument replaces a field."""

    def make(**fields: Any) -> DesiredAgent:
        wish: dict[str, Any] = {
            "project": ProjectName("acme"),
            "environment": EnvironmentName("testing"),
            "name": AgentName("front-desk"),
            "digest": digest({}),
            "display_name": "Front desk",
            "prompt": "Greet the caller and offer an appointment.",
            "language": "en",
        }
        return DesiredAgent(**{**wish, **fields})

    return make


@pytest.fixture
def make_tool() -> Callable[..., DesiredTool]:
    """A webhook tool; its digest follows from what it says."""

    def make(name: str = "book-slot", **fields: Any) -> DesiredTool:
        said: dict[str, Any] = {
            "type": "webhook",
            "function": name.replace("-", "_"),
            "description": "Books an appointment",
            "method": "POST",
            "url": "https://booking.example.com/slots",
            "headers": {"Authorization": SecretReference(secret="TRUNKLINE_SECRET_ACME_BOOKING")},
            **fields,
        }
        return DesiredTool(name=name, digest=digest(repr(sorted(said.items()))), **said)

    return make


@pytest.fixture
def make_document() -> Callable[..., DesiredDocument]:
    """A text document; its digest follows from its name and content."""

    def make(name: str = "opening-hours", content: str = "9 to 18", **fields: Any) -> Any:
        return DesiredDocument(
            name=name,
            title=name.replace("-", " ").capitalize(),
            digest=digest([name, content]),
            content_digest=digest(content),
            **{"source": "text", **fields},
        )

    return make


@pytest.fixture
def make_world() -> Callable[..., World]:
    """A world in which nothing was made yet, or that of an earlier one with other facts."""

    def make(like: World | None = None, **facts: Any) -> World:
        if like is not None:
            return replace(copy.deepcopy(like), **facts)
        entry = LedgerEntry(
            project="acme",
            environment="testing",
            kind="agent",
            name="front-desk",
            account="account",
            nonce="00aa11bb22cc33dd",
        )
        return World(entry=entry)

    return make


@pytest.fixture
def any_agent(
    make_agent: Callable[..., DesiredAgent],
    make_tool: Callable[..., DesiredTool],
    make_document: Callable[..., DesiredDocument],
) -> st.SearchStrategy[DesiredAgent]:
    """Any agent the manifests can say and the vendor takes."""
    models = st.sampled_from([None, "gemini-2.5-flash", "gpt-4o"])
    voices = st.sampled_from([None, "21m00Tcm4TlvDq8ikWAM"])
    tools = st.builds(make_tool, NAMES, description=st.sampled_from(["Books", "Cancels"]))
    documents = st.builds(make_document, NAMES, content=st.sampled_from(["9-18", "24 h"]))
    return st.builds(
        make_agent,
        display_name=st.sampled_from(["Front desk", "Rezeption"]),
        prompt=TEXTS,
        first_message=TEXTS,
        language=st.sampled_from([None, "en", "de"]),
        model=st.builds(DesiredModel, name=models, temperature=SHARES),
        voice=st.builds(DesiredVoice, id=voices, stability=SHARES, speed=SPEEDS),
        tools=st.lists(tools, max_size=3, unique_by=lambda tool: tool.name).map(tuple),
        builtin_tools=st.lists(
            st.sampled_from(["end_call", "skip_turn"]), max_size=2, unique=True
        ).map(tuple),
        documents=st.lists(documents, max_size=3, unique_by=lambda each: each.name).map(tuple),
        variables=VARIABLES,
        context=st.dictionaries(st.sampled_from(["slot", "mail"]), st.just("v"), max_size=2),
        max_duration_s=st.sampled_from([None, 60, 600]),
        concurrency=st.sampled_from([None, 5]),
        elevenlabs=HATCHES,
    )
