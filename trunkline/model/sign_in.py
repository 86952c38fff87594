"""What an identity provider says of a person, and the roles that makes here. Pure.

A role is never taken from a provider as it is: whoever runs this installation writes down which
group, e-mail or domain has which role in which project. Whoever is named nowhere has none.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field

from trunkline.model import limits
from trunkline.model.base import Frozen, Json
from trunkline.model.ids import NAME_PATTERN
from trunkline.model.records import Grant
from trunkline.model.roles import ROLES

EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[A-Za-z0-9.-]{1,190}")


def parse_grant(text: str) -> Grant:
    """``operator`` in every project, ``operator@acme`` in one. Raises ValueError."""
    role, at, project = text.partition("@")
    found = next((known for known in ROLES if known == role), None)
    if found is None:
        raise ValueError(f"{role!r} is no role; the roles are {', '.join(ROLES)}")
    if at and not re.match(NAME_PATTERN, project):
        raise ValueError(f"{project!r} is no name of a project")
    return Grant(role=found, project=project or None)


def _grants(value: object) -> object:
    """A role, or several of them, as text; empty means none."""
    if isinstance(value, str):
        return (parse_grant(value),) if value else ()
    if isinstance(value, list):
        return tuple(parse_grant(one) if isinstance(one, str) else one for one in value)
    return value


Granted: TypeAlias = Annotated[tuple[Grant, ...], BeforeValidator(_grants)]
Named: TypeAlias = Annotated[
    dict[str, Granted], Field(default_factory=dict, max_length=limits.SIGN_IN_ROLES_MAX)
]


class Identity(Frozen):
    """A person an identity provider vouches for; ``email`` is one it has verified, lower case."""

    subject: str
    email: str
    groups: tuple[str, ...] = ()


class SignInRules(Frozen):
    """Which groups, e-mails and domains have which roles; ``default`` is everybody's who is known
    to the provider.

    ``trust_emails`` takes an e-mail as verified where the provider does not say whether it is; one
    that it says is not verified never counts. ``groups_claim`` is where the provider names groups.
    """

    groups: Named
    emails: Named
    domains: Named
    default: Granted = ()
    groups_claim: Annotated[str, Field(min_length=1, max_length=200)] = "groups"
    trust_emails: bool = False

    @property
    def are_empty(self) -> bool:
        """True if nobody could ever have a role."""
        return not (self.groups or self.emails or self.domains or self.default)

    def grants(self, person: Identity) -> tuple[Grant, ...]:
        """The person's roles, each once, in the order of groups, e-mail, domain, default."""
        emails = {email.lower(): given for email, given in self.emails.items()}
        domains = {domain.lower(): given for domain, given in self.domains.items()}
        _, _, domain = person.email.rpartition("@")
        found = [grant for group in person.groups for grant in self.groups.get(group, ())]
        found += emails.get(person.email, ())
        found += domains.get(domain, ())
        found += self.default
        return tuple(dict.fromkeys(found))[: limits.SIGN_IN_GRANTS_MAX]


def verified_email(claims: Mapping[str, Json], *, trusted: bool) -> str | None:
    """The e-mail in claims, lower case, if the provider has verified it; None otherwise.

    Some providers write the truth of it as text.
    """
    email, verified = claims.get("email"), claims.get("email_verified")
    is_verified = verified is True or verified == "true" or (verified is None and trusted)
    if not isinstance(email, str) or not EMAIL.fullmatch(email) or not is_verified:
        return None
    return email.lower()


def named_groups(claim: Json) -> tuple[str, ...]:
    """The groups in a claim: a list of names, or one name."""
    listed: Iterable[Json] = claim if isinstance(claim, list) else (claim,)
    found = [name for name in listed if isinstance(name, str) and name]
    return tuple(dict.fromkeys(found))[: limits.SIGN_IN_GROUPS_MAX]
