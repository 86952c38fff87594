"""Who had a hand in a commit, and what its first line says, from the commit's own bytes.

An author decides who may approve, so nothing is left out that a forge would show, and what cannot
be read stays unreadable instead of becoming somebody's address. Mailmaps are ignored: whoever may
push could rename everybody with one. Knows no people, only addresses.
"""

import re
from collections.abc import Iterable, Iterator

from trunkline.adapters.git.drafting import COMMITTER
from trunkline.adapters.git.objects import moment, split
from trunkline.model.ids import Revision
from trunkline.model.promotions.records import CommitAuthor

_CO_AUTHOR = re.compile(
    r"^co-authored-by[ \t]*:(.*(?:\n[ \t]+\S.*)*)", re.IGNORECASE | re.MULTILINE
)
"""On any line: squashed commits keep the trailers of each in the middle of their message."""
_ENCODING = re.compile(
    r"^(iso-?8859-\d{1,2}|latin-?\d|windows-125\d|cp125\d|koi8-[ru]|shift_jis|euc-(jp|kr)|gbk"
    r"|gb2312|gb18030|big5)$",
    re.IGNORECASE,
)
"""Those that read ASCII as ASCII; a message in any other one is read as UTF-8."""
_TEXT_MAX_CHARACTERS = 320
"""The longest address there can be; names and subjects that long are cut where they are shown."""
_MERGING_FORGES = frozenset({"noreply@github.com"})
"""GitHub commits in its own name what a person merges or edits there and is the author of. Whoever
can write that address can write any other person's: only signatures tell forged commits.
Source: https://docs.github.com/authentication/managing-commit-signature-verification
"""
_UNREADABLE = "\ufffd"


def authors_of(commits: Iterable[tuple[Revision, bytes]]) -> tuple[CommitAuthor, ...]:
    """Authors, committers and co-authors of commits that come newest first; each address once,
    with the newest commit. Committing for somebody, by Trunkline or a forge, is nobody's hand.
    """
    found: dict[str, CommitAuthor] = {}
    for revision, content in commits:
        at = moment(split(content)[0].get("committer", b""))
        for name, email in _hands(content):
            author = CommitAuthor(email=email, name=name, revision=revision, at=at)
            found.setdefault(email.casefold() or f"<{name}", author)
    return tuple(found.values())


def subject_of(content: bytes) -> str:
    """The first paragraph of a commit's message on one line."""
    headers, message = split(content)
    paragraph = _text(message, headers).lstrip().split("\n\n", 1)[0]
    return _shown(" ".join(paragraph.split()))


def tagger_of(headers: dict[str, bytes]) -> str:
    """Name of whoever made a tag."""
    return _identity(_text(headers.get("tagger", b""), headers))[0]


def _hands(content: bytes) -> Iterator[tuple[str, str]]:
    headers, message = split(content)
    yield _identity(_text(headers.get("author", b""), headers))
    committer = _identity(_text(headers.get("committer", b""), headers))
    if committer[1] != COMMITTER.email and committer[1] not in _MERGING_FORGES:
        yield committer
    for trailer in _CO_AUTHOR.findall(_text(message, headers)):
        yield _identity(" ".join(trailer.split()))


def _identity(text: str) -> tuple[str, str]:
    """Name and address as Git reads them: the address is in the first pair of brackets. Without
    brackets everything with an @ is the address.
    """
    name, opened, rest = text.partition("<")
    email, closed, _ = rest.partition(">")
    if not opened or not closed:
        return ("", _shown(text.strip())) if "@" in text else (_shown(text.strip()), "")
    return _shown(name.strip()), _shown(email.strip())


def _text(content: bytes, headers: dict[str, bytes]) -> str:
    encoding = headers.get("encoding", b"").decode("ascii", "replace").strip()
    if _ENCODING.match(encoding):
        try:
            return content.decode(encoding, "replace")
        except LookupError:
            return content.decode("utf-8", "replace")
    return content.decode("utf-8", "replace")


def _shown(text: str) -> str:
    """One line of what can be shown; the rest is marked, so that it equals nobody's address."""
    printable = "".join(each if each.isprintable() else _UNREADABLE for each in text)
    return printable[:_TEXT_MAX_CHARACTERS]
