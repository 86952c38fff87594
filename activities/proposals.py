"""A proposal as activities read it: the commit a merge would leave, and the id of its plan."""

import hashlib

from trunkline.model.errors import InvalidInput
from trunkline.model.ids import Revision
from trunkline.model.proposals import Proposal
from trunkline.ports import ManifestSource


async def merged_revision(source: ManifestSource, proposal: Proposal) -> Revision:
    """What merging it would leave, to be read by this process. Raises InvalidInput for files in
    conflict, SourceErrors.
    """
    merged = await source.merged(proposal)
    if merged.revision is None:
        raise InvalidInput(
            f"{proposal.head[:12]} is in conflict with the branch: {', '.join(merged.conflicts)}",
            hint="Merge the branch into it, or rebase it.",
        )
    return merged.revision


def plan_id_of(operation_id: str) -> str:
    """The id of the plan an operation makes; made twice it is the same."""
    return hashlib.sha256(operation_id.encode()).hexdigest()[:24]
