"""Branches, version metadata and deployments, as the API serves them."""

from __future__ import annotations

import math

from simulators.elevenlabs.agents import PREFIX, Agents
from simulators.elevenlabs.calls import FLAG, PAGE_SIZE, Call, Endpoint, Person
from simulators.elevenlabs.errors import refused
from simulators.elevenlabs.history import History
from simulators.elevenlabs.workspace import Workspace, access, all_of
from simulators.limits import BRANCH_RECENT_VERSIONS, ELEVENLABS_MAX_PAGE_SIZE
from simulators.wire import Answer, Json, json_answer

LIMIT: Json = {
    "kind": "integer",
    "default": ELEVENLABS_MAX_PAGE_SIZE,
    "above": 1,
    "max": ELEVENLABS_MAX_PAGE_SIZE,
}
PAGES: dict[str, Json] = {
    "page": {"kind": "integer", "default": 1, "min": 1},
    "page_size": PAGE_SIZE,
}
ALL_TRAFFIC = 100.0
# Shares such as a third are sent with as many digits as fit.
SPLIT_TOLERANCE = 0.001
WEEK_S = 7 * 86_400


class Branches:
    """Routes below one agent that concern its history."""

    def __init__(self, workspace: Workspace, history: History, agents: Agents) -> None:
        self._space = workspace
        self._history = history
        self._agents = agents

    def endpoints(self) -> list[Endpoint]:
        """Routes of branches, versions and deployments."""
        one = PREFIX + "/{agent_id}"
        branches = one + "/branches"
        return [
            Endpoint("GET", one + "/versions/{version_id}", self.version),
            Endpoint(
                "GET",
                branches,
                self.listed,
                query={"include_archived": FLAG, "limit": LIMIT, "include_commit_status": FLAG},
            ),
            Endpoint("POST", branches, self.create, body="BranchCreate", partial=True),
            Endpoint("GET", branches + "/{branch_id}", self.get),
            Endpoint(
                "PATCH", branches + "/{branch_id}", self.patch, body="BranchPatch", partial=True
            ),
            Endpoint("POST", one + "/deployments", self.deploy, body="DeploymentCreate"),
            Endpoint("GET", one + "/deployments", self.deployments, query=PAGES),
        ]

    def version(self, call: Call) -> Answer:
        """A version's metadata: parents, description, time, author."""
        agent = self._agents.known(call.values["agent_id"])
        version = self._history.version(agent, call.values["version_id"])
        return json_answer(self._history.version_body(version, call.person))

    def listed(self, call: Call) -> Answer:
        """Branches of an agent, Main first."""
        agent = self._agents.known(call.values["agent_id"])
        shown = [
            branch
            for branch in all_of(self._space.branches, agent["branches"])
            if call.query["include_archived"] or not branch["is_archived"]
        ]
        page = shown[: call.query["limit"]]
        body = {
            "meta": {"total": len(shown), "page": 1, "page_size": call.query["limit"]},
            "results": [self._summary(branch, call.person) for branch in page],
        }
        return json_answer(body)

    def create(self, call: Call) -> Answer:
        """A branch off a version, with changes if the body brings any."""
        agent = self._agents.known(call.values["agent_id"])
        parent_id = call.body.get("parent_version_id")
        parent = self._history.version(agent, parent_id or "")
        self._require_free(agent, call.body["name"])
        config = self._agents.merged_onto(parent, call.body, call.person)
        branch = self._history.begin_branch(
            agent,
            parent,
            config,
            call.person,
            name=call.body["name"],
            description=call.body.get("description") or "",
        )
        body = {
            "created_branch_id": branch["id"],
            "created_version_id": branch["versions"][-1],
        }
        return json_answer(body)

    def get(self, call: Call) -> Answer:
        """One branch with its latest versions."""
        agent = self._agents.known(call.values["agent_id"])
        branch = self._history.branch(agent, call.values["branch_id"])
        return json_answer(self._body(branch, call.person))

    def patch(self, call: Call) -> Answer:
        """Name, description, protection or archival of a branch."""
        agent = self._agents.known(call.values["agent_id"])
        branch = self._history.branch(agent, call.values["branch_id"])
        archive = call.body.get("is_archived")
        if archive and branch["id"] == agent["main_branch_id"]:
            raise refused(400, "cannot_archive_main_branch", "The main branch cannot be archived.")
        if archive and branch["live_percentage"]:
            raise refused(
                400, "cannot_archive_live_branch", "A branch with traffic cannot be archived."
            )
        if call.body.get("name") is not None:
            self._require_free(agent, call.body["name"], beside=branch["id"])
        for name in ("name", "description", "is_archived", "protection_status"):
            if call.body.get(name) is not None:
                branch[name] = call.body[name]
        self._space.branches.put(branch["id"], branch)
        return json_answer(self._body(branch, call.person))

    def _require_free(self, agent: Json, name: str, *, beside: str = "") -> None:
        """A name is unique within the agent, branches that were put away included."""
        others = all_of(self._space.branches, [one for one in agent["branches"] if one != beside])
        if any(other["name"] == name for other in others):
            raise refused(400, "branch_name_taken", f"The agent has a branch named {name}.")

    def deploy(self, call: Call) -> Answer:
        """Declare the whole split of the traffic; it has to add up to 100."""
        agent = self._agents.known(call.values["agent_id"])
        requests = call.body["deployment_request"]["requests"]
        split = {
            item["branch_id"]: float(item["deployment_strategy"]["traffic_percentage"])
            for item in requests
        }
        for branch_id in split:
            if self._history.branch(agent, branch_id)["is_archived"]:
                raise refused(400, "branch_archived", "An archived branch cannot have traffic.")
        if not math.isclose(sum(split.values()), ALL_TRAFFIC, abs_tol=SPLIT_TOLERANCE):
            raise refused(400, "invalid_traffic_split", "Traffic percentages must add up to 100.")
        self._history.deploy(agent, split, call.person)
        return json_answer({"traffic_percentage_branch_id_map": split})

    def deployments(self, call: Call) -> Answer:
        """How the traffic was divided, newest first."""
        agent = self._agents.known(call.values["agent_id"])
        made = self._history.deployments(agent)
        number, size = call.query["page"], call.query["page_size"]
        start = (number - 1) * size
        results = [
            {
                "id": one["id"],
                "traffic_percentage_branch_id_map": one["split"],
                "deployed_at_unix_secs": one["deployed_at"],
                "is_active": one is made[0],
                "source": one["source"],
                "access_info": access(one["author"], call.person),
            }
            for one in made[start : start + size]
        ]
        meta = {"total": len(made), "page": number, "page_size": size}
        return json_answer({"meta": meta, "results": results})

    def _shared(self, branch: Json, person: Person) -> Json:
        return {
            "id": branch["id"],
            "name": branch["name"],
            "agent_id": branch["agent_id"],
            "description": branch["description"],
            "created_at": branch["created_at"],
            "last_committed_at": branch["last_committed_at"],
            "is_archived": branch["is_archived"],
            "protection_status": branch["protection_status"],
            "access_info": access(branch["creator"], person),
            "current_live_percentage": branch["live_percentage"],
        }

    def _summary(self, branch: Json, person: Person) -> Json:
        parent = self._parent(branch)
        return {
            **self._shared(branch, person),
            "parent_branch_id": parent["id"] if parent else None,
            "draft_exists": False,
            "draft_created_at": None,
            "draft_is_behind_tip": False,
            "calls_7d": self._calls(branch),
            "commits_ahead": None,
            "commits_behind": None,
            "merged_into_branch_id": None,
        }

    def _calls(self, branch: Json) -> int:
        since = self._space.now() - WEEK_S
        return sum(
            one.get("branch_id") == branch["id"] and one["start_time_unix_secs"] >= since
            for one in self._space.conversations
        )

    def _body(self, branch: Json, person: Person) -> Json:
        parent = self._parent(branch)
        latest = all_of(self._space.versions, branch["versions"][-BRANCH_RECENT_VERSIONS:])
        return {
            **self._shared(branch, person),
            "parent_branch": {"id": parent["id"], "name": parent["name"]} if parent else None,
            "most_recent_versions": [
                self._history.version_body(version, person) for version in reversed(latest)
            ],
        }

    def _parent(self, branch: Json) -> Json | None:
        parent_id = branch["parent_branch_id"]
        return self._space.branches.get(parent_id) if parent_id else None
