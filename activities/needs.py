"""What an agent points at: tools, documents and secrets by kind, name and mark."""

from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.model.base import JsonObject
from trunkline.model.desired import DesiredAgent
from trunkline.model.ids import content_mark, reference, secret_title
from trunkline.model.ledger import Claim, SharedKind
from trunkline.model.shared_objects import object_key
from trunkline.ports import Ledger


@dataclass(frozen=True, slots=True)
class Needed:
    """A shared object an agent needs. ``digest`` is empty for a secret, and so is ``body``, the
    wish for the object as JSON.
    """

    kind: SharedKind
    name: str
    digest: str
    reference: str
    mark: str
    body: JsonObject | None = None


def needed_objects(desired: DesiredAgent) -> tuple[Needed, ...]:
    """Every shared object the agent points at, in the order they are made."""
    place = (desired.project, desired.environment)
    secrets = sorted({name for tool in desired.tools for name in tool.secrets()})
    return (
        *(
            Needed("secret", name, "", reference("secret", name), secret_title(*place, name))
            for name in secrets
        ),
        *(
            Needed(
                "tool",
                tool.name,
                tool.digest,
                reference("tool", object_key(tool.name, tool.digest)),
                content_mark(*place, tool.name, tool.digest),
                tool.model_dump(mode="json"),
            )
            for tool in desired.tools
        ),
        *(
            Needed(
                "document",
                document.name,
                document.digest,
                reference("document", object_key(document.name, document.digest)),
                content_mark(*place, document.name, document.digest),
                document.model_dump(mode="json"),
            )
            for document in desired.documents
        ),
    )


async def claims_of(
    ledger: Ledger, account: str, desired: DesiredAgent, names: Sequence[str] | None = None
) -> tuple[Claim, ...]:
    """Claims of shared objects where the agent is, by name if that is said."""
    return await ledger.claims(account, desired.project, desired.environment, names=names)


def claim_for(needed: Needed, account: str, desired: DesiredAgent, *, claimant: str) -> Claim:
    """The claim on a shared object, without an attempt."""
    return Claim(
        account=account,
        project=desired.project,
        environment=desired.environment,
        kind=needed.kind,
        name=needed.name,
        digest=needed.digest,
        claimant=claimant,
        body=needed.body,
    )
