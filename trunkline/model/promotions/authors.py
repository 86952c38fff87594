"""Who touched what is promoted, by the people the rules in force know.

A commit names an address, an approval names a person; only `people` of the applied Project says
which belong together. An address nobody is listed with fails closed: it might be anybody's.
"""

from collections.abc import Iterable, Sequence
from email.utils import parseaddr
from typing import Final

from trunkline.model.kinds.project import Person
from trunkline.model.promotions.records import CommitAuthor
from trunkline.model.signatures import OWN_EMAIL

AUTHORS_SHOWN: Final = 5
"""Addresses named in one sentence; the rest is counted."""
SHORT_REVISION: Final = 10


def mapped(authors: Iterable[CommitAuthor], people: Sequence[Person]) -> tuple[CommitAuthor, ...]:
    """The authors with the person each address belongs to, "" for nobody's; one for each address,
    sorted by it. Addresses are compared without regard to case; an address spelt as an identity,
    ``Ada <ada@example.com>``, is read. An address listed with two people is nobody's.
    """
    owners = _owners(people)
    found: dict[str, CommitAuthor] = {}
    for author in authors:
        email = address_of(author.email)
        owner = owners.get(email, "")
        found.setdefault(email, author.model_copy(update={"email": email, "person": owner}))
    return tuple(found[email] for email in sorted(found))


def unmapped(authors: Iterable[CommitAuthor]) -> tuple[CommitAuthor, ...]:
    """Authors nobody is listed with."""
    return tuple(each for each in authors if not each.person)


def unmapped_words(authors: Iterable[CommitAuthor]) -> str:
    """Which addresses are nobody's, by which commit; "" if every one is somebody's."""
    strangers = unmapped(authors)
    shown = [_shown(each) for each in strangers[:AUTHORS_SHOWN]]
    more = len(strangers) - len(shown)
    if not shown:
        return ""
    listed = ", ".join(shown) + (f" and {more} more" if more else "")
    return f"nobody of `people` has {listed}"


def persons(authors: Iterable[CommitAuthor]) -> frozenset[str]:
    """The people among them, by name."""
    return frozenset(each.person for each in authors if each.person)


def person_of(actor: str, people: Sequence[Person]) -> str:
    """The name of the person a token belongs to, given by name or by address; "" if unlisted."""
    wanted = actor.strip().casefold()
    named = next((each.name for each in people if each.name.casefold() == wanted), "")
    return named or _owners(people).get(address_of(actor), "")


def commit_author(actor: str, people: Sequence[Person]) -> tuple[str, str]:
    """Name and address under which commits are made for whoever a token belongs to; somebody who
    is not listed keeps what they are called here, without an address that could be somebody's.
    """
    name = person_of(actor, people)
    known = next((each for each in people if each.name == name), None)
    if known is not None:
        return known.name, known.emails[0]
    return (actor.partition("@")[0], actor) if "@" in actor else (actor, OWN_EMAIL)


def address_of(text: str) -> str:
    """The address in an identity as Git writes it, in small letters; the text itself if there is
    none in it.
    """
    bare = text.strip()
    if "<" in bare:
        bare = parseaddr(bare)[1].strip() or bare
    return bare.casefold()


def _owners(people: Sequence[Person]) -> dict[str, str]:
    owners: dict[str, str] = {}
    for person in people:
        for email in person.emails:
            address = address_of(email)
            owners[address] = person.name if owners.get(address, person.name) == person.name else ""
    return owners


def _shown(author: CommitAuthor) -> str:
    commit = f" (commit {author.revision[:SHORT_REVISION]})" if author.revision else ""
    return f"{author.email or 'an empty address'}{commit}"
