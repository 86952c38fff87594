"""Branches of ElevenLabs agents as ``ports.AgentBranches``: configurations beside the live one.

The vendor edits Main whenever no branch is named, so every write here names its branch and looks
first whether that is Main. Who is tested on a branch, and for how long it is needed, is decided
elsewhere.
"""

from urllib.parse import quote

from pydantic import Field

from trunkline.adapters.elevenlabs.answers import Answered, observed_agent
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.model.base import Json, JsonObject
from trunkline.model.branches import Branch, Split
from trunkline.model.errors import Conflict, OutcomeUnknown, Rejected, RemoteMissing, Unavailable
from trunkline.model.ids import ExternalId
from trunkline.model.limits import BRANCH_NAME_MAX_CHARACTERS, BRANCHES_MAX
from trunkline.model.observed import ObservedAgent

AGENTS = "/v1/convai/agents/"
OF_A_BRANCH = ("conversation_config", "platform_settings", "workflow")
"""What of an agent's body a branch has for itself: name and tags are the whole agent's."""
ALL_TRAFFIC = 100.0
SPLIT_DIGITS = 6
"""Percentages are compared with that many digits: a third and two thirds are 100 in all."""
FREED_SUFFIX_CHARACTERS = 12
ALL_OF_THEM = (("limit", str(BRANCHES_MAX)), ("include_archived", "false"))
WITH_ARCHIVED = (("limit", str(BRANCHES_MAX)), ("include_archived", "true"))


class AgentHead(Answered):
    """Which branch of an agent is Main, and the version at the tip that was read."""

    main_branch_id: str = Field(min_length=1)
    version_id: str = Field(min_length=1)


class VersionLine(Answered):
    """One version of a branch."""

    id: str = Field(min_length=1)
    seq_no_in_branch: int = 0


class BranchLine(Answered):
    """One branch in the list."""

    id: str = Field(min_length=1)
    name: str
    description: str = ""
    is_archived: bool = False
    current_live_percentage: float = 0.0


class BranchAnswer(BranchLine):
    """One branch with its latest versions."""

    most_recent_versions: tuple[VersionLine, ...] = Field(min_length=1)

    @property
    def tip(self) -> str:
        """The newest version; the vendor does not promise an order."""
        return max(self.most_recent_versions, key=lambda version: version.seq_no_in_branch).id


class ListMeta(Answered):
    """How many branches there are in all, if the vendor says so."""

    total: int | None = None


class BranchList(Answered):
    """All branches an agent has."""

    meta: ListMeta = ListMeta()
    results: tuple[BranchLine, ...]


class CreatedBranch(Answered):
    """A new branch and its first version."""

    created_branch_id: str = Field(min_length=1)
    created_version_id: str = Field(min_length=1)


class DeployedSplit(Answered):
    """How traffic is split now."""

    traffic_percentage_branch_id_map: dict[str, float]


class ElevenLabsBranches:
    """Branches of the agents of one account."""

    def __init__(self, client: ElevenLabsClient) -> None:
        self._client = client

    async def branches(self, agent_id: ExternalId) -> tuple[Branch, ...]:
        """All branches in use, Main first and with its version; ``branch`` tells the others'.

        Raises RemoteMissing, and Unavailable if the list cannot be read whole.
        """
        head = await self._head(agent_id)
        path = _branches(agent_id)
        listed = await self._client.read(BranchList.model_validate, path, ALL_OF_THEM)
        if (listed.meta.total or 0) > len(listed.results):
            raise Unavailable(
                f"the listing {path} is incomplete",
                hint="the agent has too many branches: archive those nobody needs",
            )
        found = [_branch(line, head) for line in listed.results if not line.is_archived]
        return tuple(sorted(found, key=lambda each: not each.main))

    async def branch(self, agent_id: ExternalId, branch_id: str) -> Branch:
        """One branch with the version at its tip, archived ones too. Raises RemoteMissing."""
        head = await self._head(agent_id)
        return await self._read(agent_id, branch_id, head)

    async def tip(self, agent_id: ExternalId, branch_id: str) -> ObservedAgent:
        """The agent as a branch has it at its tip. Raises RemoteMissing."""
        path = f"{AGENTS}{_quoted(agent_id)}"
        return await self._client.read(observed_agent, path, (("branch_id", branch_id),))

    async def archived_names(self, agent_id: ExternalId) -> tuple[str, ...]:
        """Names of branches that were put away, those on the vendor's one page."""
        path = _branches(agent_id)
        listed = await self._client.read(BranchList.model_validate, path, WITH_ARCHIVED)
        return tuple(line.name for line in listed.results if line.is_archived)

    async def create_branch(
        self,
        agent_id: ExternalId,
        *,
        parent_version_id: str,
        name: str,
        description: str,
        patch: JsonObject,
        timeout_s: float,
    ) -> Branch:
        """A branch without traffic; one in use that has the name already is answered as it is.

        Of the patch a branch takes configuration, settings and workflow. Raises OutcomeUnknown if
        the answer was lost and no branch of the name is there (yet).
        """
        if not 0 < len(name) <= BRANCH_NAME_MAX_CHARACTERS:
            raise Rejected(f"a branch is named in 1 to {BRANCH_NAME_MAX_CHARACTERS} characters")
        known = await self._named(agent_id, name)
        if known is not None:
            return known
        body: dict[str, Json] = {
            "parent_version_id": parent_version_id,
            "name": name,
            "description": description,
            **{key: patch[key] for key in OF_A_BRANCH if key in patch},
        }
        try:
            created = await self._client.write(
                CreatedBranch.model_validate,
                "POST",
                _branches(agent_id),
                body,
                timeout_s=timeout_s,
            )
        except (OutcomeUnknown, Rejected):
            found = await self._named(agent_id, name)
            if found is None:
                raise
            return found
        return Branch(
            id=created.created_branch_id,
            name=name,
            version_id=created.created_version_id,
            description=description,
        )

    async def update_branch(
        self,
        agent_id: ExternalId,
        branch_id: str,
        patch: JsonObject,
        *,
        description: str,
        timeout_s: float,
    ) -> str:
        """Merge a patch into a branch's tip and answer its version. Raises Conflict for Main and
        for a branch that is archived.
        """
        await self._require_usable(agent_id, branch_id)
        body = {key: patch[key] for key in OF_A_BRANCH if key in patch}
        answer = await self._client.write(
            AgentHead.model_validate,
            "PATCH",
            f"{AGENTS}{_quoted(agent_id)}",
            {**body, "version_description": description},
            params=(("branch_id", branch_id),),
            timeout_s=timeout_s,
        )
        return answer.version_id

    async def archive_branch(
        self, agent_id: ExternalId, branch_id: str, *, label: str = "", timeout_s: float
    ) -> None:
        """Put a branch away and free its name; one that is archived or gone is no error.

        Names are unique among all branches of an agent, so the next branch for the same content
        could not be made otherwise. Raises Conflict for Main and for one that has traffic.
        """
        try:
            branch = await self.branch(agent_id, branch_id)
        except RemoteMissing:
            return
        if branch.archived:
            return
        if branch.main or branch.live_percentage:
            share = "Main" if branch.main else f"serving {branch.live_percentage:g} % of the calls"
            raise Conflict(f"branch {branch.name} is {share}: it cannot be archived")
        try:
            await self._client.write(
                BranchLine.model_validate,
                "PATCH",
                _one(agent_id, branch_id),
                {"name": _freed(branch, label), "is_archived": True},
                timeout_s=timeout_s,
            )
        except OutcomeUnknown:
            if not (await self.branch(agent_id, branch_id)).archived:
                raise
        except RemoteMissing:
            return

    async def split_traffic(self, agent_id: ExternalId, split: Split, *, timeout_s: float) -> Split:
        """Declare the whole split and answer what it is now. Raises Rejected unless the shares are
        100 in all, and Conflict if a branch is archived or not the agent's.
        """
        wanted = _checked(split)
        in_use = {branch.id for branch in await self.branches(agent_id)}
        strangers = sorted(wanted.keys() - in_use)
        if strangers:
            raise Conflict(f"no branch in use: {', '.join(strangers)}")
        requests: list[Json] = [
            {
                "branch_id": branch_id,
                "deployment_strategy": {"type": "percentage", "traffic_percentage": share},
            }
            for branch_id, share in sorted(wanted.items())
        ]
        try:
            answer = await self._client.write(
                DeployedSplit.model_validate,
                "POST",
                f"{AGENTS}{_quoted(agent_id)}/deployments",
                {"deployment_request": {"requests": requests}},
                timeout_s=timeout_s,
            )
        except OutcomeUnknown:
            now = await self._split(agent_id)
            if not _same(now, wanted):
                raise
            return now
        return answer.traffic_percentage_branch_id_map

    async def _head(self, agent_id: ExternalId) -> AgentHead:
        return await self._client.read(AgentHead.model_validate, f"{AGENTS}{_quoted(agent_id)}")

    async def _read(self, agent_id: ExternalId, branch_id: str, head: AgentHead) -> Branch:
        answer = await self._client.read(BranchAnswer.model_validate, _one(agent_id, branch_id))
        branch = _branch(answer, head)
        return branch.model_copy(update={"version_id": answer.tip})

    async def _named(self, agent_id: ExternalId, name: str) -> Branch | None:
        listed = await self.branches(agent_id)
        found = next((branch for branch in listed if branch.name == name), None)
        return found and await self.branch(agent_id, found.id)

    async def _require_usable(self, agent_id: ExternalId, branch_id: str) -> None:
        branch = await self.branch(agent_id, branch_id)
        if branch.main:
            raise Conflict(f"branch {branch.name} is Main: it is changed by applying, not here")
        if branch.archived:
            raise Conflict(f"branch {branch.name} is archived", hint="create a branch anew")

    async def _split(self, agent_id: ExternalId) -> Split:
        listed = await self.branches(agent_id)
        return {branch.id: branch.live_percentage for branch in listed if branch.live_percentage}


def _branch(line: BranchLine, head: AgentHead) -> Branch:
    main = line.id == head.main_branch_id
    return Branch(
        id=line.id,
        name=line.name,
        version_id=head.version_id if main else "",
        live_percentage=line.current_live_percentage,
        archived=line.is_archived,
        main=main,
        description=line.description,
    )


def _checked(split: Split) -> Split:
    shares = {branch_id: float(share) for branch_id, share in split.items()}
    total = round(sum(shares.values()), SPLIT_DIGITS)
    if total != ALL_TRAFFIC or min(shares.values(), default=-1.0) < 0:
        raise Rejected(
            f"the shares of the branches are {total:g} in all, not 100",
            hint="declare the share of every branch that has traffic",
        )
    return shares


def _same(one: Split, other: Split) -> bool:
    return all(
        round(one.get(each, 0.0) - other.get(each, 0.0), SPLIT_DIGITS) == 0
        for each in one.keys() | other.keys()
    )


def _freed(branch: Branch, label: str) -> str:
    """The name an archived branch keeps: its own and what tells it from others of that name."""
    suffix = f"{'.' if label else ''}{label}~{branch.id[-FREED_SUFFIX_CHARACTERS:]}"
    return branch.name[: BRANCH_NAME_MAX_CHARACTERS - len(suffix)] + suffix


def _branches(agent_id: ExternalId) -> str:
    return f"{AGENTS}{_quoted(agent_id)}/branches"


def _one(agent_id: ExternalId, branch_id: str) -> str:
    return f"{_branches(agent_id)}/{_quoted(branch_id)}"


def _quoted(part: str) -> str:
    return quote(part, safe="")
