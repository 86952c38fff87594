"""A company of ten agents that are all promoted to one production, and what its people do there."""

from __future__ import annotations

import asyncio
import json
import subprocess
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from activities.types import RefreshRequest
from tests.workflows.conversation_worlds import PROMPT, installed
from tests.workflows.crowd_workers import CrowdWorker
from tests.workflows.live_histories import LivePlatform
from tests.workflows.promotion_invariants import ENVIRONMENT, PROJECT, Invariants
from tests.workflows.released_histories import HistoryReader, file_of
from trunkline.adapters.git.seed import Author, commit
from trunkline.adapters.machine import LocalMachine
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.model.errors import NotFound, PromotionRefused, SourceError, StoreUnavailable
from trunkline.model.findings import ServerSettings
from trunkline.model.records import AuditRecord
from trunkline.services.access import Principal
from trunkline.services.catalogue import Services, build_services
from trunkline.services.control import Caller, Place
from trunkline.services.doctor import Outside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.promotions.records import PromotionRecord
    from trunkline.model.records import Role

T = TypeVar("T")
AGENTS = tuple(f"desk-{number}" for number in range(10))
TOOL, DOCUMENT = "tools/book-slot.yaml", "knowledge/opening-hours.yaml"
ADA = Author("Ada", "ada@example.com")
ADA_AT_HOME = Author("Ada", "ada@home.example.com")
ELSE = Author("Dee", "dee@example.com")
BEN, CY, EVE, OP = "ben@example.com", "cy@example.com", "eve@example.com", "op@example.com"
PEOPLE = [
    {"name": "ada", "emails": [ADA.email, ADA_AT_HOME.email]},
    {"name": "ben", "emails": [BEN]},
    {"name": "cy", "emails": [CY]},
    {"name": "dee", "emails": [ELSE.email]},
    {"name": "author", "emails": ["author@example.com"]},
    {"name": "op", "emails": [OP]},
]
CLOSED = [{"deny": "Mon-Sun 00:00-24:00", "timezone": "UTC"}]
BOOKS: dict[str, Any] = {
    "tools": {"book_slot": [{"reply": {"booked": True, "slot": "Monday 10:00"}}]},
    "turns": [
        {"expect": [{"says": "Acme clinic"}]},
        {
            "say": "I would like to book an appointment slot for Monday at 10:00.",
            "expect": [{"calls": "book_slot"}],
        },
    ],
}
THINK_MS = 5
PATIENCE_S = 180.0
"""How long anything may take: much is going on at once."""
POLL_S = 2.0
LOOKS_BETWEEN = 20
"""Looks at an agent that is not settled between two words that it should be looked at whole."""


def described(public_key: str, promotion: Mapping[str, Any]) -> str:
    """The company: testing follows the branch, production its releases."""
    common = {"mode": "enforce", "drift": {"policy": "heal"}}
    rules = {
        "from": "testing",
        "soak": "200ms",
        "approvals": {"count": 1, "roles": ["approver"]},
        "verify": {"tags": ["smoke"]},
        "rollout": {"steps": [50], "every": "100ms"},
        **promotion,
    }
    return json.dumps(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "Project",
            "metadata": {"name": PROJECT},
            "spec": {
                "people": PEOPLE,
                "signing": {"publicKeys": [public_key]},
                "environments": [
                    {"name": "testing", "source": "head", **common},
                    {"name": ENVIRONMENT, "source": "releases", **common, "promotion": rules},
                ],
            },
        }
    )


def desk(texts: Texts, name: str, greeting: str) -> str:
    """One agent, with the tool and the document all of them share."""
    return texts.agent(name, greeting=greeting, whole=True).replace(
        "prompt: { text: You answer the telephone of a small shop. }",
        f"prompt: {{ text: {json.dumps(PROMPT)} }}",
    )


def books(name: str) -> str:
    """The one test of an agent: that it greets, and that it books."""
    return json.dumps(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "ConversationTest",
            "metadata": {"name": f"{name}-books", "tags": ["smoke"]},
            "spec": {"agent": name, **BOOKS},
        }
    )


def company(texts: Texts, public_key: str, agents: Sequence[str]) -> dict[str, str]:
    """Everything in the repository at first."""
    whole = texts.whole()
    return {
        "trunkline.yaml": described(public_key, {}),
        TOOL: whole[TOOL],
        DOCUMENT: whole[DOCUMENT],
        **{f"agents/{name}.yaml": desk(texts, name, "Acme clinic, hello!") for name in agents},
        **{f"tests/{name}.yaml": books(name) for name in agents},
    }


@dataclass
class Crowd:
    """The company at work."""

    stack: Stack
    texts: Texts
    services: Services
    worker: CrowdWorker
    invariants: Invariants
    reader: HistoryReader
    database_url: str
    files: dict[str, str]
    told: list[str] = field(default_factory=list)

    async def step(self, what: str) -> None:
        """Something happened: everything that must hold holds."""
        self.told.append(what)
        assert self.worker.lives(), self.worker.last_words()
        found = await self.invariants.problems()
        assert not found, "\n".join((f"after {what}:", *found, *self.told[-40:]))

    async def push(self, edits: Mapping[str, str | None], author: Author = ADA) -> str:
        """Commit as somebody, beside whoever else pushes."""

        def make() -> str:
            return commit(self.stack.repository, edits, message="An edit", author=author)

        for _ in range(20):
            try:
                return await asyncio.to_thread(make)
            except SourceError:
                continue
        return await asyncio.to_thread(make)

    async def change(self, agent: str, greeting: str, author: Author = ADA) -> None:
        """A new configuration of an agent, once it was read."""
        await self.push({f"agents/{agent}.yaml": desk(self.texts, agent, greeting)}, author)
        await self.stack.refresh()

        async def read() -> bool:
            wish = await self.asked(
                lambda: self.stack.store.wish(PROJECT, "testing", "agent", agent)
            )
            return wish is not None and wish.body.get("firstMessage") == greeting

        await self.stack.until(read, timeout_s=PATIENCE_S)

    async def applied(self, revision: str) -> None:
        """Once a commit, or one that builds on it, was read."""
        await self.stack.refresh()
        git = ("git", "-C", str(self.stack.repository), "-c", "safe.directory=*")

        async def read() -> bool:
            source = await self.asked(lambda: self.stack.store.source(PROJECT))
            if source is None or source.applied_revision is None:
                return False
            command = (*git, "merge-base", "--is-ancestor", revision, source.applied_revision)
            done = await asyncio.to_thread(subprocess.run, command, check=False)
            return done.returncode == 0

        await self.stack.until(read, timeout_s=PATIENCE_S)

    async def asked(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What a service answers, asked again while its database is away."""
        for _ in range(20):
            try:
                return await ask()
            except StoreUnavailable:
                continue
        return await ask()

    def by(self, person: str, role: Role) -> Caller:
        """Somebody with a token."""
        return Caller(Principal(person=person, role=role), "test")

    async def open_of(self, agent: str) -> PromotionRecord | None:
        """The promotion of an agent that is open, or None."""
        return await self.asked(
            lambda: self.stack.store.open_promotion_of(PROJECT, ENVIRONMENT, agent)
        )

    async def promote(self, agent: str, changes: str) -> PromotionRecord:
        """Ask for a promotion; one that a lost answer hid is found again."""

        async def start() -> PromotionRecord:
            try:
                return await self.services.promotions.start(
                    self.by(OP, "operator"),
                    PROJECT,
                    agent,
                    environment=ENVIRONMENT,
                    changes=changes,
                )
            except PromotionRefused:
                found = await self.open_of(agent)
                if found is None:
                    raise
                return found

        return await self.asked(start)

    async def approve(self, record: PromotionRecord, person: str) -> None:
        """Agree to exactly what was tested."""
        await self.asked(
            lambda: self.services.promotions.approve(
                self.by(person, "approver"), PROJECT, record.id
            )
        )

    async def write_approval(
        self, record: PromotionRecord, person: str, role: Role = "approver", **details: Any
    ) -> None:
        """An audit row that no service would write, and a word that there is something."""
        now = await self.read(record)
        said = {"promotion": now.id, "digest": now.digest, "suite": now.suite_digest, **details}
        row = AuditRecord(
            actor=person,
            role=role,
            action="promotion.approve",
            project=PROJECT,
            subject=now.agent,
            request_id="test",
            details=said,
        )
        await self.asked(lambda: self.stack.store.add_audit(row))

    async def read(self, record: PromotionRecord) -> PromotionRecord:
        """The promotion as it is."""
        found = await self.asked(lambda: self.stack.store.promotion(PROJECT, record.id))
        assert found is not None, record.id
        return found

    async def until(
        self,
        record: PromotionRecord,
        wanted: Callable[[PromotionRecord], bool],
        timeout_s: float = PATIENCE_S,
    ) -> PromotionRecord:
        """The promotion once it is as wanted."""

        async def look() -> PromotionRecord | None:
            found = await self.read(record)
            return found if wanted(found) else None

        try:
            found: PromotionRecord = await self.stack.until(look, timeout_s=timeout_s)
        except BaseException as error:
            now = await self.read(record)
            error.add_note(f"{now.id} {now.phase} {now.state} {now.reason} {now.message}")
            error.add_note("\n".join(self.told[-60:]))
            raise
        return found

    async def settled(self, agent: str) -> None:
        """Once production runs the newest release that counts, and nothing else is there."""
        found: list[str] = []
        looks = 0

        async def look() -> bool:
            nonlocal looks
            found[:] = await self.invariants.unsettled(agent)
            if found and looks % LOOKS_BETWEEN == 0:
                request = RefreshRequest(hard=True, environment=ENVIRONMENT, names=(agent,))
                await self.stack.refresh(request)
            looks += 1
            return not found

        try:
            await self.stack.until(look, timeout_s=PATIENCE_S)
        except BaseException as error:
            error.add_note("\n".join((*found, *self.told[-60:])))
            raise

    async def close_windows(self, *, closed: bool) -> None:
        """Nothing may be promoted from now on, or something may again, as an admin agrees."""
        windows = {"windows": CLOSED} if closed else {}
        text = described(self.stack.keys.public_key, windows)
        revision = await self.push({"trunkline.yaml": text}, ELSE)
        await self.stack.refresh()

        async def in_force() -> bool:
            rules = await self.asked(lambda: self.stack.store.rules_in_force(PROJECT, ENVIRONMENT))
            if rules is None:
                return False
            if not closed and rules.pending:
                await self._agree()
                return False
            return bool(rules.promotion.windows) == closed and bool(revision)

        if not closed:
            begin, _ = self.invariants.closed[-1]
            self.invariants.closed[-1] = (begin, datetime.now(UTC))
        await self.stack.until(in_force, timeout_s=PATIENCE_S)
        if closed:
            self.invariants.closed.append((datetime.now(UTC), None))

    async def _agree(self) -> None:
        """An admin's word on the weaker rules that wait; nothing if none wait any more."""
        place = Place(PROJECT, ENVIRONMENT)
        with suppress(NotFound):
            await self.asked(
                lambda: self.services.promotion_rules.agree(self.by(OP, "admin"), place)
            )

    def protect(self, *, protected: bool) -> None:
        """The server of the repository takes no push over the wire, or everybody's again."""
        setting = "receive.maxInputSize"
        words = (setting, "1") if protected else ("--unset-all", setting)
        git = ("git", "-C", str(self.stack.repository), "-c", "safe.directory=*")
        subprocess.run((*git, "config", *words), check=True)

    async def cut_database(self) -> None:
        """Every connection to PostgreSQL ends, everybody's."""
        async with await psycopg.AsyncConnection.connect(
            self.database_url, autocommit=True
        ) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    async def edit_in_dashboard(self, agent: str, speed: float) -> bool:
        """Somebody turns a knob of production; False if there is nothing to turn."""
        entry = await self.asked(
            lambda: self.stack.store.entry(PROJECT, ENVIRONMENT, "agent", agent)
        )
        if entry is None or entry.external_id is None:
            return False
        body = {"conversation_config": {"tts": {"speed": speed}}}
        await self.stack.elevenlabs.control("edit", {"agent_id": entry.external_id, "body": body})
        return True

    async def release_text(self, agent: str) -> str:
        """The release file of an agent at the tip, "" without one."""
        git = ("git", "-C", str(self.stack.repository), "-c", "safe.directory=*")
        command = (*git, "show", f"main:{file_of(agent)}")
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
        return done.stdout.decode() if done.returncode == 0 else ""


@asynccontextmanager
async def crowd(
    make_stack: MakeStack,
    texts: Texts,
    database_url: str,
    folder: Path,
    *,
    agents: Sequence[str] = AGENTS,
    **made: Any,
) -> AsyncIterator[Crowd]:
    """The company, with a worker that can be killed."""
    private_key = new_private_key()
    keys = Ed25519Keys(private_key)
    files = company(texts, keys.public_key, agents)
    stack = replace(await make_stack(files, **made), keys=keys)
    stack.timing = stack.timing.model_copy(update={"poll_interval_s": POLL_S})
    stack.secrets["TRUNKLINE_SIGNING_KEY"] = private_key
    await stack.elevenlabs.control("talks", {"think_ms": THINK_MS})
    ports = stack.ports()
    services = build_services(
        stack.store,
        stack.client,
        timing=stack.timing,
        outside=Outside(
            sources=ports.sources,
            accounts=stack.accounts,
            machine=LocalMachine(stack.cache),
            settings=ServerSettings(signing_public_key=keys.public_key),
            repositories=ports.repositories,
            keys=keys,
        ),
    )
    async with installed(stack):
        worker = CrowdWorker(stack, database_url, folder / "worker.log")
        reader = HistoryReader(stack.repository, folder / "reader")
        invariants = Invariants(reader, LivePlatform(stack.elevenlabs.http), stack.store)
        worker.start()
        try:
            yield Crowd(stack, texts, services, worker, invariants, reader, database_url, files)
        finally:
            worker.stop()
