"""What keeping calls needs of the outside, and what a project says about it."""

from dataclasses import dataclass

from activities.calls.ports import Carriers
from activities.policies import environments, project_of
from trunkline.model.kinds.calls import Calls as CallRules
from trunkline.model.kinds.project import Environment
from trunkline.ports import Clock, Ledger, Statuses, Wishes
from trunkline.ports.calls import Calls, MakeRedact, NativePlatforms
from trunkline.ports.releasing import ReleaseRecords


@dataclass(frozen=True, slots=True)
class KeepingPorts:
    """Rows of calls, whom to ask about them, and where agents of ours are on the platforms."""

    calls: Calls
    carriers: Carriers
    natives: NativePlatforms
    wishes: Wishes
    ledger: Ledger
    statuses: Statuses
    releases: ReleaseRecords
    clock: Clock
    redact: MakeRedact


@dataclass(frozen=True, slots=True)
class CallProject:
    """What the manifest in force says: its rules for calls, and its environments."""

    rules: CallRules
    environments: tuple[Environment, ...] = ()


async def call_project(wishes: Wishes, project: str) -> CallProject:
    """The rules of a project; the defaults before its manifest was read."""
    manifest = await wishes.project_manifest(project)
    if manifest is None:
        return CallProject(CallRules())
    return CallProject(project_of(manifest).spec.calls, environments(manifest))
