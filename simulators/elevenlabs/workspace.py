"""What the parts of the ElevenLabs look-alike share: records, indexes, time, ids, noise.

One workspace is one ElevenLabs account. The parts (agents, tools, documents, numbers, secrets)
reach each other through it and nowhere else.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from simulators.clock import Clock
from simulators.elevenlabs.calls import Person
from simulators.elevenlabs.shapes import Nulls
from simulators.identifiers import Identifiers
from simulators.listing import ListIndex, ListLag
from simulators.store import Collection, Store
from simulators.wire import Json

OWNER = Person("Owner", "owner@example.com")


@dataclass(slots=True)
class Behaviour:
    """What the control plane switches."""

    noise: bool = True
    nulls: Nulls = Nulls.DELETE
    stale_hints: bool = False


class Workspace:
    """State and surroundings of one account."""

    def __init__(self, store: Store, clock: Clock, *, seed: int) -> None:
        self.store = store
        self.clock = clock
        self.identifiers = Identifiers(store, seed)
        self.behaviour = Behaviour()
        self.lag = ListLag()
        self._seed = seed
        self.agents = store.collection("agents")
        self.branches = store.collection("branches")
        self.versions = store.collection("versions")
        self.tools = store.collection("tools")
        self.documents = store.collection("documents")
        self.pages = store.collection("pages")
        self.secrets = store.collection("secrets")
        self.numbers = store.collection("numbers")
        self.voices = store.collection("voices")
        self.conversations = store.collection("conversations")
        self.deployments = store.collection("deployments")
        self.tests = store.collection("tests")
        self.invocations = store.collection("invocations")
        self.webhooks = store.collection("webhooks")
        self.settings = store.collection("settings")
        self.agent_index = self._index()
        self.tool_index = self._index()
        self.document_index = self._index()
        self.secret_index = self._index()
        self.number_index = self._index()
        self.test_index = self._index()
        self.numbers_by_agent: dict[str, set[str]] = {}

    def _index(self) -> ListIndex:
        return ListIndex(self.clock, self.lag)

    def indexes(self) -> list[ListIndex]:
        """Every list this account shows."""
        return [
            self.agent_index,
            self.tool_index,
            self.document_index,
            self.secret_index,
            self.number_index,
            self.test_index,
        ]

    def now(self) -> int:
        """Unix seconds, as the vendor stamps them."""
        return int(self.clock.now())

    def secret_of(self, secret_id: str) -> str | None:
        """What is kept as this secret; None if there is none."""
        record = self.secrets.get(secret_id)
        return record["value"] if record else None

    def dice(self, *facts: object) -> random.Random:
        """Dice that fall the same way for the same facts and seed."""
        return random.Random(f"{self._seed}/{facts}")  # noqa: S311 - repeatable noise


def access(creator: Json, person: Person | None = None) -> Json:
    """Access information of an object its creator's name and email are recorded with."""
    is_creator = person is None or creator["email"] == person.email
    return {
        "is_creator": is_creator,
        "creator_name": creator["name"],
        "creator_email": creator["email"],
        "role": "admin",
        "anonymous_access_level_override": None,
        "access_source": "creator" if is_creator else "workspace_default",
    }


def recorded(person: Person) -> Json:
    """A person as a record keeps them."""
    return {"name": person.name, "email": person.email}


def all_of(collection: Collection, ids: list[str]) -> list[Json]:
    """The records of these ids that still exist, in the ids' order."""
    found = (collection.get(record_id) for record_id in ids)
    return [record for record in found if record is not None]
