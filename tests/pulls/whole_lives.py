"""Installations as outsiders meet them: a forge, a worker and an API server, each a process of its
own, and people who use Git over HTTP and REST.

Nothing here looks into the store or at a workflow: what there is to see is asked of the forge, of
Git, of the vendors' look-alikes and of our own API. Only the schedule that finds what nobody
announced is told that its time has come.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from temporalio.client import ScheduleOverlapPolicy

from tests.forges.conftest import Worktree, start
from tests.workflows.killable_processes import OwnProcess, started
from tests.workflows.promotion_worlds import project_manifest
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.local.ports import free_port
from trunkline.model.ids import pull_request_sweep_id
from trunkline.services.access import AccessService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from tests.workflows.conftest import MakeStack, Stack

REPOSITORY: Final = "acme/manifests"
SECRET: Final = "what the forge signs with"
BOT, ADA, OP, STRANGER = "trunkline-bot", "ada", "op", "stranger"
PLAN: Final = "trunkline/plan"
TESTS: Final = "trunkline/tests/"
POLL_S: Final = 0.25
LOG_CHARACTERS: Final = 3_000
PATIENCE_S: Final = 150.0
"""Processes share the machine with others."""
WAITS: Final = {"TRUNKLINE_COMMENT_INTERVAL": "1s", "TRUNKLINE_HEARTBEAT_TIMEOUT": "5s"}


@dataclass
class Process:
    """One of our servers."""

    name: str
    running: OwnProcess
    log: Path

    async def kill(self) -> None:
        """As the kernel does when memory is short."""
        self.running.kill()
        await asyncio.to_thread(self.running.wait)


@dataclass
class Installation:
    """Everything outsiders can touch."""

    stack: Stack
    kind: str
    root: Path
    forge: httpx.AsyncClient
    forge_url: str
    api_url: str
    tokens: dict[str, str]
    clone_url: str
    database_url: str
    ours: httpx.AsyncClient
    port: int
    people: dict[str, str]
    variables: dict[str, str]
    parts: AsyncExitStack
    clones: dict[str, Worktree] = field(default_factory=dict)

    def process(self, *arguments: str) -> Process:
        """``trunkline ARGUMENTS``; killed at the end at the latest."""
        log = self.root / f"{arguments[0]}-{len(list(self.root.glob('*.log')))}.log"
        environment = self.stack.worker_environment(self.database_url)
        with log.open("wb") as errors:
            running = self.parts.enter_context(
                started(
                    self.stack.programs(),
                    *arguments,
                    env={**environment, **self.variables},
                    err=errors,
                )
            )
        return Process(arguments[0], running, log)

    def worker(self) -> Process:
        """A worker for every queue."""
        return self.process("worker")

    async def api(self) -> Process:
        """An API server, once it answers."""
        api = self.process("serve", "--port", str(self.port))

        async def ready() -> bool:
            assert api.running.poll() is None, api.log.read_text()
            try:
                return (await self.ours.get("/healthz")).is_success
            except httpx.TransportError:
                return False

        await self.waited(ready, "the API")
        return api

    async def control(self, path: str, **body: Any) -> Any:
        """Use the forge's control plane."""
        answer = await self.forge.post(f"{self.forge_url}/_sim/{path}", json=body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json()

    async def shown(self, what: str) -> Any:
        """Read the forge's control plane."""
        return (await self.forge.get(f"{self.forge_url}/_sim/{what}")).json()

    async def faults(self, *faults: Mapping[str, Any]) -> None:
        """Let the forge go wrong from now on."""
        await self.control("faults", faults=list(faults))

    async def fired(self) -> int:
        """How many requests the forge's faults have hit."""
        return sum(fault["fired"] for fault in (await self.shown("faults"))["faults"])

    async def mended(self) -> None:
        """The forge is well again."""
        await self.forge.delete(f"{self.forge_url}/_sim/faults")

    async def hook(self) -> str:
        """Have the repository's events sent to our API; the hook's id."""
        made = await self.control(
            "webhooks",
            repository=REPOSITORY,
            url=f"http://127.0.0.1:{self.port}/v1/webhooks/{self.kind}",
            secret=SECRET,
        )
        return str(made["id"])

    async def unhook(self, hook_id: str) -> None:
        """Every delivery is lost from now on."""
        answer = await self.forge.delete(f"{self.forge_url}/_sim/webhooks/{hook_id}")
        assert answer.is_success, answer.text

    async def delivered(self) -> list[dict[str, Any]]:
        """Every delivery, once none is on its way."""

        async def settled() -> dict[str, Any] | None:
            shown: dict[str, Any] = await self.shown("deliveries")
            return None if shown["pending"] else shown

        found: list[dict[str, Any]] = (await self.waited(settled, "deliveries"))["deliveries"]
        return found

    async def rest(self, method: str, path: str, *, by: str = ADA, **body: Any) -> Any:
        """One request to the forge's REST API with somebody's token, as its documents say."""
        answer = await self.forge.request(
            method,
            f"{self.api_url}/repos/{REPOSITORY}{path}",
            headers={"Authorization": f"Bearer {self.tokens[by]}"},
            json=body or None,
        )
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def clone(self, who: str, url: str = "") -> Worktree:
        """Somebody's clone."""
        folder = self.root / f"clone-{who}"
        tree = Worktree(folder, url or self.clone_url, who, self.tokens[who])
        self.clones[who] = await asyncio.to_thread(tree.clone)
        return self.clones[who]

    async def push(
        self, branch: str, files: Mapping[str, str | None], *, by: str = ADA, base: str = ""
    ) -> str:
        """Commit files on a branch and push it by Git over HTTP; the commit."""
        return await asyncio.to_thread(self._push, branch, files, by, base)

    def _push(self, branch: str, files: Mapping[str, str | None], by: str, base: str) -> str:
        tree = self.clones[by]
        tree.git("fetch", "--quiet", "--tags", "origin")
        start = base or f"origin/{branch}"
        tree.git("checkout", "--quiet", "-B", branch, start)
        for path, text in files.items():
            target = tree.folder / path
            if text is None:
                target.unlink()
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
        tree.git("add", "--all")
        tree.git("commit", "--quiet", "-m", f"Change {branch}")
        tree.git("push", "--quiet", "origin", branch)
        return tree.git("rev-parse", "HEAD")

    async def propose(
        self, branch: str, files: Mapping[str, str | None], *, by: str = ADA
    ) -> tuple[int, str]:
        """Push a new branch and open a pull request of it; its number and head."""
        head = await self.push(branch, files, by=by, base="origin/main")
        source = f"{by}:{branch}" if by == STRANGER else branch
        opened = await self.rest(
            "POST", "/pulls", by=by, title=f"Try {branch}", head=source, base="main", body=""
        )
        return int(opened["number"]), head

    async def merge(self, number: int, *, by: str = OP, way: str = "merge") -> None:
        """Merge it, as the dialect has it."""
        if self.kind == "github":
            await self.rest("PUT", f"/pulls/{number}/merge", by=by, merge_method=way)
        else:
            await self.rest("POST", f"/pulls/{number}/merge", by=by, Do=way)

    async def close(self, number: int, *, by: str = ADA) -> None:
        """Close it unmerged."""
        await self.rest("PATCH", f"/pulls/{number}", by=by, state="closed")

    async def comments(self, number: int) -> list[dict[str, Any]]:
        """Our comments on a pull request."""
        listed = await self.rest("GET", f"/issues/{number}/comments")
        return [one for one in listed if one["user"]["login"] == BOT]

    async def statuses(self, sha: str) -> dict[str, str]:
        """The newest state of each context of a commit."""
        listed = await self.rest("GET", f"/commits/{sha}/statuses")
        newest: dict[str, str] = {}
        for one in sorted(listed, key=lambda row: row["id"]):
            newest[one["context"]] = one.get("state") or one["status"]
        return newest

    async def checked(self, number: int, head: str, **wanted: str) -> dict[str, Any]:
        """The one comment, once every status of this head has ended and those of ``wanted`` are so
        (a name of an agent with ``_`` for ``-``, or ``plan``).
        """
        asked = {_context(name): state for name, state in wanted.items()}

        async def ended() -> dict[str, Any] | None:
            said = await self.statuses(head)
            is_over = PLAN in said and "pending" not in said.values()
            if not is_over or not asked.keys() <= said.keys():
                return None
            found = await self.comments(number)
            assert len(found) == 1, found
            return found[0] if head[:12] in found[0]["body"] else None

        comment: dict[str, Any] = await self.waited(ended, f"checks of {number}")
        said = await self.statuses(head)
        assert {name: said[name] for name in asked} == asked, (said, comment["body"])
        return comment

    async def waited(self, look: Callable[[], Any], what: str) -> Any:
        """The first answer of ``look``; what our processes said goes with the failure."""
        try:
            deadline = asyncio.get_running_loop().time() + PATIENCE_S
            while not (answer := await look()):
                assert asyncio.get_running_loop().time() < deadline, f"{what} did not happen"
                await asyncio.sleep(POLL_S)
        except BaseException as error:
            for log in sorted(self.root.glob("*.log")):
                error.add_note(f"{log.name}: {log.read_text()[-LOG_CHARACTERS:]}")
            raise
        return answer

    async def ask(self, method: str, path: str, *, by: str = "op", **body: Any) -> httpx.Response:
        """One request to our API as one of its people."""
        return await self.ours.request(
            method,
            f"/v1/projects/{self.stack.project}{path}",
            headers={"Authorization": f"Bearer {self.people[by]}"},
            json=body or None,
        )

    async def read(self, path: str) -> dict[str, Any]:
        """What our API answers."""
        answer = await self.ask("GET", path)
        assert answer.is_success, (path, answer.status_code, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    async def synced(self, *agents: str, environment: str = "testing", revision: str = "") -> None:
        """Wait until these agents are in sync, all of them at ``revision`` if one is given."""

        async def look() -> bool:
            for agent in agents:
                answer = await self.ask("GET", f"/agents/{agent}?environment={environment}")
                row = answer.json() if answer.is_success else {}
                if (row.get("sync"), row.get("health")) != ("Synced", "Healthy"):
                    return False
            if not revision:
                return True
            source = (await self.read(""))["source"]
            return bool(source and source["appliedRevision"] == revision)

        await self.waited(look, f"{agents} in {environment}")

    async def numbered(self) -> None:
        """Wait until every number is in sync, and nothing is under way any more."""

        async def look() -> bool:
            items = (await self.read("/numbers"))["items"]
            return bool(items) and all(row["sync"] == "Synced" for row in items)

        await self.waited(look, "the numbers")

    async def closed(self, number: int, state: str = "closed") -> None:
        """Wait until the installation is done with a pull request."""

        async def look() -> bool:
            answer = await self.ask("GET", f"/pull-requests/{number}")
            row = answer.json()
            return answer.is_success and row["state"] == state and row["objectsGone"]

        await self.waited(look, f"the end of {number}")

    async def schedule_is_due(self) -> None:
        """The time of the schedule that looks for pull requests has come; a look of its own that
        is under way may have begun before what is to be found.
        """
        schedule = pull_request_sweep_id(self.stack.project)
        handle = self.stack.client.get_schedule_handle(schedule)
        await handle.trigger(overlap=ScheduleOverlapPolicy.BUFFER_ONE)

    def remote(self, pattern: str) -> dict[str, str]:
        """Refs as anybody with a clone sees them."""
        listed = self.clones[ADA].git("ls-remote", "origin", pattern)
        pairs = (line.split("\t") for line in listed.splitlines() if "\t" in line)
        return {name: sha for sha, name in pairs}


def _context(name: str) -> str:
    return PLAN if name == "plan" else TESTS + name.replace("_", "-")


@asynccontextmanager
async def an_installation(
    make_stack: MakeStack,
    database_url: str,
    files: Mapping[str, str],
    root: Path,
    *,
    kind: str = "github",
    promotion: Mapping[str, Any] | None = None,
    **made: Any,
) -> AsyncIterator[Installation]:
    """Forge, worker and API run, the forge's events are delivered, testing is on its way."""
    private_key = new_private_key()
    asked = {"via": "pull-request", **(promotion or {})}
    manifest = _project(Ed25519Keys(private_key).public_key, asked)
    tree = {**files, "trunkline.yaml": manifest}
    stack = await make_stack(tree, **made)
    async with AsyncExitStack() as parts:
        forge, addresses = await asyncio.to_thread(start, kind, root / "forge")
        parts.callback(_ended, forge)
        http = await parts.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=60))
        port = free_port()
        ours = await parts.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)
        )
        here = Installation(
            stack=stack,
            kind=kind,
            root=root,
            forge=http,
            forge_url=addresses["url"],
            api_url=addresses["api_url"],
            tokens={},
            clone_url="",
            database_url=database_url,
            ours=ours,
            port=port,
            people={},
            variables={},
            parts=parts,
        )
        await _furnish(here, tree)
        here.people.update(await _people(database_url))
        here.variables.update(
            {
                **WAITS,
                "TRUNKLINE_REPOSITORY": here.clone_url,
                "TRUNKLINE_GIT_TOKEN": here.tokens[BOT],
                "TRUNKLINE_FORGE_URL": here.api_url,
                "TRUNKLINE_FORGE_TOKEN": here.tokens[BOT],
                "TRUNKLINE_WEBHOOK_SECRET": SECRET,
                "TRUNKLINE_SIGNING_KEY": private_key,
                "TRUNKLINE_PUBLIC_URL": f"http://127.0.0.1:{port}",
            }
        )
        yield here


def _project(public_key: str, promotion: Mapping[str, Any]) -> str:
    """The project of promotions, with hardly any sweeps."""
    manifest = json.loads(project_manifest(public_key, promotion))
    for environment in manifest["spec"]["environments"]:
        environment["drift"]["interval"] = "24h"
    return json.dumps(manifest)


def _ended(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(60)
    if process.stdout is not None:
        process.stdout.close()


async def _furnish(here: Installation, files: Mapping[str, str]) -> None:
    """People with addresses, and the private repository with its first commit."""
    for login in ("acme", BOT, ADA, OP, STRANGER):
        made = await here.control(
            "users", login=login, email=f"{'author' if login == 'acme' else login}@example.com"
        )
        here.tokens[login] = made["token"]
    repository = await here.control(
        "repositories",
        owner="acme",
        name="manifests",
        private=True,
        files=dict(files),
        collaborators={BOT: "admin", ADA: "write", OP: "write", STRANGER: "read"},
    )
    here.clone_url = repository["clone_url"]
    await here.clone(ADA)


async def _people(database_url: str) -> dict[str, str]:
    """Tokens of our own people."""
    async with PostgresStore(database_url) as store:
        access = AccessService(store)
        return {
            "op": (await access.issue("op@example.com", "operator")).secret,
            "ben": (await access.issue("ben@example.com", "approver")).secret,
        }
