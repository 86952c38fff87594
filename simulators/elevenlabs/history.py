"""Versions on branches: what the vendor remembers of every change of an agent.

A version is immutable and names its parents; a branch is a line of versions with a share of the
traffic. This module keeps them; `branches` serves them.
"""

from __future__ import annotations

from simulators.elevenlabs import configs
from simulators.elevenlabs.calls import Person
from simulators.elevenlabs.errors import not_found
from simulators.elevenlabs.workspace import Workspace, access, recorded
from simulators.wire import Json

MAIN = "Main"


class History:
    """Branches and versions of all agents of an account."""

    def __init__(self, workspace: Workspace) -> None:
        self._space = workspace

    def begin_main(self, agent: Json, config: Json, person: Person) -> Json:
        """The main branch of a new agent, with its first version and all traffic."""
        branch = self._begin(agent, MAIN, "", person, live_percentage=100.0)
        branch["protection_status"] = "writer_perms_required"
        self.commit(agent, branch, config, person, description="")
        return branch

    def begin_branch(
        self,
        agent: Json,
        parent: Json,
        config: Json,
        person: Person,
        *,
        name: str,
        description: str,
    ) -> Json:
        """A branch off a version, without traffic."""
        branch = self._begin(agent, name, description, person, live_percentage=0.0)
        branch["parent_branch_id"] = parent["branch_id"]
        self.commit(
            agent, branch, config, person, description="", out_of_branch_parent_id=parent["id"]
        )
        self._space.agents.put(agent["agent_id"], agent)
        return branch

    def _begin(
        self, agent: Json, name: str, description: str, person: Person, *, live_percentage: float
    ) -> Json:
        branch_id = self._space.identifiers.elevenlabs("agtbrch")
        now = self._space.now()
        branch: Json = {
            "id": branch_id,
            "agent_id": agent["agent_id"],
            "name": name,
            "description": description,
            "created_at": now,
            "last_committed_at": now,
            "is_archived": False,
            "protection_status": "writer_perms_required",
            "parent_branch_id": None,
            "live_percentage": live_percentage,
            "creator": recorded(person),
            "versions": [],
        }
        agent["branches"].append(branch_id)
        return branch

    def commit(
        self,
        agent: Json,
        branch: Json,
        config: Json,
        person: Person,
        *,
        description: str,
        out_of_branch_parent_id: str | None = None,
    ) -> Json:
        """A new version at the tip of a branch."""
        version_id = self._space.identifiers.elevenlabs("agtvrsn")
        now = self._space.now()
        version: Json = {
            "id": version_id,
            "agent_id": agent["agent_id"],
            "branch_id": branch["id"],
            "description": description,
            "number": len(branch["versions"]) + 1,
            "committed_at": now,
            "parent_id": branch["versions"][-1] if branch["versions"] else None,
            "out_of_branch_parent_id": out_of_branch_parent_id,
            "author": recorded(person),
            "config": configs.condensed(config),
        }
        branch["versions"].append(version_id)
        branch["last_committed_at"] = now
        self._space.versions.put(version_id, version)
        self._space.branches.put(branch["id"], branch)
        return version

    def branch(self, agent: Json, branch_id: str) -> Json:
        """A branch of this agent. Raises Refused (404)."""
        branch = self._space.branches.get(branch_id)
        if branch is None or branch["agent_id"] != agent["agent_id"]:
            raise not_found("Branch", branch_id)
        return branch

    def version(self, agent: Json, version_id: str) -> Json:
        """A version of this agent. Raises Refused (404)."""
        version = self._space.versions.get(version_id)
        if version is None or version["agent_id"] != agent["agent_id"]:
            raise not_found("Version", version_id)
        return version

    def tip(self, branch: Json) -> Json:
        """The newest version of a branch."""
        return self._known(branch["versions"][-1])

    def _known(self, version_id: str) -> Json:
        version = self._space.versions.get(version_id)
        if version is None:
            raise KeyError(version_id)
        return version

    def config_of(self, branch: Json) -> Json:
        """The complete configuration at a branch's tip, a copy."""
        return configs.expanded(self.tip(branch)["config"])

    def deploy(self, agent: Json, split: dict[str, float], person: Person) -> None:
        """The whole traffic of an agent is divided like this from now on."""
        for branch_id in agent["branches"]:
            branch = self._space.branches.get(branch_id)
            if branch is not None:
                branch["live_percentage"] = split.get(branch_id, 0.0)
                self._space.branches.put(branch_id, branch)
        deployment_id = self._space.identifiers.elevenlabs("agtdpl")
        record: Json = {
            "id": deployment_id,
            "agent_id": agent["agent_id"],
            "split": split,
            "deployed_at": self._space.now(),
            "source": "manual",
            "author": recorded(person),
        }
        self._space.deployments.put(deployment_id, record)

    def deployments(self, agent: Json) -> list[Json]:
        """How the traffic of an agent was divided, newest first; at first Main had all of it."""
        ours = [one for one in self._space.deployments if one["agent_id"] == agent["agent_id"]]
        first: Json = {
            "id": agent["main_branch_id"].replace("agtbrch", "agtdpl"),
            "agent_id": agent["agent_id"],
            "split": {agent["main_branch_id"]: 100.0},
            "deployed_at": agent["created_at_unix_secs"],
            "source": None,
            "author": agent["creator"],
        }
        return [*reversed(ours), first]

    def forget(self, agent: Json) -> None:
        """Drop all branches, versions and deployments of an agent."""
        for deployment in list(self._space.deployments):
            if deployment["agent_id"] == agent["agent_id"]:
                self._space.deployments.drop(deployment["id"])
        for branch_id in agent["branches"]:
            branch = self._space.branches.get(branch_id)
            if branch is not None:
                for version_id in branch["versions"]:
                    self._space.versions.drop(version_id)
                self._space.branches.drop(branch_id)

    def version_body(self, version: Json, person: Person) -> Json:
        """A version's metadata as a read shows it."""
        return {
            "id": version["id"],
            "agent_id": version["agent_id"],
            "branch_id": version["branch_id"],
            "version_description": version["description"],
            "seq_no_in_branch": version["number"],
            "time_committed_secs": version["committed_at"],
            "parents": {
                "in_branch_parent_id": version["parent_id"],
                "out_of_branch_parent_id": version["out_of_branch_parent_id"],
                "merged_into_branch_id": None,
                "merged_from_branch_id": None,
                "merged_from_version_id": None,
                "rebased_from_version_id": None,
            },
            "access_info": access(version["author"], person),
        }
