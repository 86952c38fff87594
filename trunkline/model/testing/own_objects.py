"""Objects that are made for somebody's tests alone, under a name no manifest can have.

What a pull request brings is not the project's yet: made under its own name it can be taken away
again, and nobody else comes to rely on it meanwhile.
"""

from collections.abc import Iterable

from trunkline.model.desired import DesiredAgent
from trunkline.model.ledger import Claim
from trunkline.model.testing.platform_tests import PlatformTest


def own_name(name: str, owner: str) -> str:
    """The name of an object that is made for an owner."""
    return f"{name}.{owner}"


def is_own(name: str, owner: str) -> bool:
    """True for the name of an object that was made for that owner."""
    return bool(owner) and name.endswith(f".{owner}")


def own_documents(desired: DesiredAgent, claims: Iterable[Claim], owner: str) -> DesiredAgent:
    """The wish with documents of the owner's in the place of those that are not there yet."""
    there = {
        (claim.name, claim.digest)
        for claim in claims
        if claim.kind == "document" and claim.external_id is not None
    }
    return desired.model_copy(
        update={
            "documents": tuple(
                each
                if (each.name, each.digest) in there
                else each.model_copy(update={"name": own_name(each.name, owner), "adopt": None})
                for each in desired.documents
            )
        }
    )


def own_test(test: PlatformTest, owner: str) -> PlatformTest:
    """The test under the name of its owner; what it asks is the same."""
    return test.model_copy(update={"name": own_name(test.name, owner)})
