"""Commands people write in comments of a pull request: exact words in the first line.

What a word may do is decided by who wrote it, when, and about which commit. A comment that was
written before the commit it would be about was there says nothing of that commit: it may start
reading and tests of ours again, and never trusts, promotes or approves.
"""

import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal, get_args

from trunkline.model.base import Frozen
from trunkline.model.forges import ForgePermission
from trunkline.model.ids import NAME_PATTERN
from trunkline.model.records import Role
from trunkline.model.roles import ALLOWED, Action

Verb = Literal["plan", "test", "promote", "approve", "help"]

CALL: Final = "/trunkline"
COMMAND_MAX_CHARACTERS: Final = 500
"""Of a first line that is a command; a changelog fits, and a page does not."""
USAGE: Final[dict[Verb, str]] = {
    "plan": f"{CALL} plan",
    "test": f"{CALL} test [commit]",
    "promote": f"{CALL} promote [agent] --to environment what changed",
    "approve": f"{CALL} approve [agent] [--to environment]",
    "help": f"{CALL} help",
}
MEANINGS: Final[dict[Verb, str]] = {
    "plan": "plan again, on the newest commit of the branch",
    "test": "test again; for a pull request from a fork: trust exactly this commit",
    "promote": "after the merge, start a promotion",
    "approve": "agree to the open promotion of an agent",
    "help": "say which commands there are",
}
ROLES_OF_RIGHTS: Final[dict[ForgePermission, Role | None]] = {
    "none": None,
    "read": "viewer",
    "write": "operator",
    "admin": "operator",
}
"""Whoever may push to the manifests repository runs the fleet by it already."""
ACTIONS: Final[dict[Verb, Action]] = {
    "plan": "pull-request.plan",
    "test": "pull-request.test",
    "promote": "promotion.start",
    "approve": "promotion.approve",
}
_CODE_BLOCK: Final = ("    ", "\t")
"""What a line begins with that Markdown shows as code."""
DECIDING: Final[frozenset[Verb]] = frozenset({"promote", "approve"})
"""What a person decides by name, and not whoever holds an account of the forge."""

_COMMIT: Final = re.compile(r"[0-9a-f]{7,40}")
_COMMIT_CHARACTERS: Final = 40
"""Of a commit's whole id; somebody who prepares two commits makes them begin alike in minutes."""
_NAME: Final = re.compile(NAME_PATTERN)


class Command(Frozen):
    """What somebody asked for; what was left out is empty."""

    verb: Verb
    agent: str = ""
    environment: str = ""
    changes: str = ""
    commit: str = ""


class Mistake(Frozen):
    """A line that begins as a command and is none."""

    words: str


class ForgePerson(Frozen):
    """Who somebody on the forge is here: a setting of the server says so."""

    person: str
    role: Role = "viewer"


class Speaker(Frozen):
    """Who wrote a comment: what they may do on the forge, and who they are here, if anybody."""

    login: str
    permission: ForgePermission
    known: ForgePerson | None = None


class Standing(Frozen):
    """What a command would be about: how the pull request was before this look."""

    head: str
    head_seen_at: datetime | None
    is_fork: bool = False
    is_merged: bool = False
    is_open: bool = True


def parse_command(body: str) -> Command | Mistake | None:
    """The command in the first line of a comment; None if it is none, as in what is quoted or
    shown as code.
    """
    first = body.lstrip("\ufeff").split("\n", 1)[0]
    if first.startswith(_CODE_BLOCK):
        return None
    line = first.strip()
    if line != CALL and not line.startswith(f"{CALL} "):
        return None
    if len(line) > COMMAND_MAX_CHARACTERS:
        return Mistake(words=f"a command has at most {COMMAND_MAX_CHARACTERS} characters")
    words = line.split()[1:] or ["help"]
    verb = next((one for one in get_args(Verb) if one == words[0]), None)
    if verb is None:
        return Mistake(words=f"there is no command {words[0]}")
    return _promotion(line) if verb == "promote" else _asked(verb, words[1:])


def refusal(
    command: Command,
    speaker: Speaker,
    standing: Standing,
    written_at: datetime,
    *,
    was_edited: bool = False,
) -> str:
    """Why a command is not carried out, as a sentence without its subject; empty if it is.

    Words that were edited may be anybody's who may push, and decide nothing in the author's name.
    """
    if command.verb == "help":
        return ""
    if was_edited and (command.verb in DECIDING or (command.verb == "test" and standing.is_fork)):
        return "was edited after it was written, by whoever: say it anew"
    if ROLES_OF_RIGHTS[speaker.permission] is None:
        return "needs somebody who may read this repository"
    if command.verb in DECIDING:
        return next(_undecided(command, speaker, standing, written_at), "")
    return next(_unchecked(command, speaker, standing, written_at), "")


def _unchecked(
    command: Command, speaker: Speaker, standing: Standing, written_at: datetime
) -> Iterator[str]:
    """Why a plan or tests are not begun again."""
    if ROLES_OF_RIGHTS[speaker.permission] not in ALLOWED[ACTIONS[command.verb]]:
        yield "needs somebody who may push to this repository"
    if not standing.is_open:
        yield "is about pull requests that are open"
    if command.commit and not standing.head.startswith(command.commit):
        yield f"is about {command.commit}, and the head is {standing.head[:12]}"
    whole = len(command.commit) == _COMMIT_CHARACTERS
    unseen = not whole and not _came_after(standing, written_at)
    if command.verb == "test" and standing.is_fork and unseen:
        yield (
            f"was written before {standing.head[:12]} was there: look at it, and say"
            f" {CALL} test again, or with the commit's whole id"
        )


def _undecided(
    command: Command, speaker: Speaker, standing: Standing, written_at: datetime
) -> Iterator[str]:
    """Why somebody does not decide it."""
    if ROLES_OF_RIGHTS[speaker.permission] != "operator":
        yield "needs somebody who may push to this repository"
    if speaker.known is None:
        yield "needs somebody this server knows as a person: TRUNKLINE_FORGE_PEOPLE names them"
    elif speaker.known.role not in ALLOWED[ACTIONS[command.verb]]:
        yield f"is not for the role {speaker.known.role}"
    if not _came_after(standing, written_at):
        yield "was written before this commit was there: say it again"
    if command.verb == "promote" and not standing.is_merged:
        yield "comes after the merge: what is promoted is what the branch holds"


def _came_after(standing: Standing, written_at: datetime) -> bool:
    return standing.head_seen_at is not None and written_at > standing.head_seen_at


def _asked(verb: Verb, rest: list[str]) -> Command | Mistake:
    """A command of words alone."""
    if verb == "test" and len(rest) == 1 and _COMMIT.fullmatch(rest[0]):
        return Command(verb=verb, commit=rest[0])
    if verb == "approve":
        return _approval(rest)
    return Mistake(words=f"write exactly {USAGE[verb]}") if rest else Command(verb=verb)


def _promotion(line: str) -> Command | Mistake:
    """``/trunkline promote [agent] --to environment changes``; the changes as they were written."""
    found = re.fullmatch(
        rf"{re.escape(CALL)}\s+promote(?:\s+(?P<agent>(?!--)\S+))?"
        r"\s+--to\s+(?P<to>\S+)(?P<rest>.*)",
        line,
    )
    if found is None:
        return Mistake(words=f"write {USAGE['promote']}")
    agent, environment = found["agent"] or "", found["to"]
    wrong = _not_a_name(agent) or _not_a_name(environment)
    if wrong:
        return Mistake(words=wrong)
    changes = _unquoted(found["rest"].strip())
    return Command(verb="promote", agent=agent, environment=environment, changes=changes)


def _approval(words: list[str]) -> Command | Mistake:
    environment = ""
    if "--to" in words:
        at = words.index("--to")
        if at + 2 != len(words):
            return Mistake(words=f"write {USAGE['approve']}")
        environment, words = words[at + 1], words[:at]
    if len(words) > 1:
        return Mistake(words=f"write {USAGE['approve']}")
    agent = words[0] if words else ""
    wrong = _not_a_name(agent) or _not_a_name(environment)
    return (
        Mistake(words=wrong)
        if wrong
        else Command(verb="approve", agent=agent, environment=environment)
    )


def _not_a_name(word: str) -> str:
    return f"{word} is no name" if word and not _NAME.fullmatch(word) else ""


def _unquoted(text: str) -> str:
    """Words in quotes without them, where somebody wrote them as for a shell."""
    if text[:1] in ("'", '"') and text[-1:] == text[:1]:
        try:
            return " ".join(shlex.split(text))
        except ValueError:
            return text
    return text
