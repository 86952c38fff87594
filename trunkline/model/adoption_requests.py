"""What somebody changed on the platform, as the pull request says it that would make it the wish.

One field is one row: what Git wants, what is there instead, who and when. Values were typed by
strangers and are shown as text. A marker names exactly the change that is proposed, so that one
that was turned down is told from a new one.
"""

import json
import re
from collections.abc import Sequence
from typing import Final

from trunkline.model.base import Json
from trunkline.model.canonical import digest
from trunkline.model.ids import short_digest
from trunkline.model.plans import Drifted
from trunkline.model.promotions.requests import plain

FIELDS_SHOWN: Final = 50
VALUE_MAX_CHARACTERS: Final = 160
_WHAT_HAPPENS: Final = (
    "Somebody changed `{agent}` in {environment} outside of Git. Merging this makes what runs there"
    " now what Git wants, and nothing is written to the platform. Closing it leaves both as they"
    " are. It is brought up to date while the drift changes, and closed once it is gone."
)
_MARKER: Final = re.compile(r"<!-- trunkline:adoption (?P<change>[0-9a-f]{12}) -->")


def change_of(patch: str) -> str:
    """A short name of exactly this change of the manifests, lines around it included."""
    return short_digest(digest(patch))


def change_in(body: str) -> str:
    """The change a pull request says it proposes, "" if it says none."""
    found = _MARKER.search(body)
    return found["change"] if found is not None else ""


def adoption_title(environment: str, agent: str) -> str:
    """Subject of the commit and title of the pull request."""
    return f"Adopt what was changed of {agent} in {environment}"


def adoption_body(
    environment: str,
    agent: str,
    fields: Sequence[Drifted],
    refused: Sequence[str],
    *,
    change: str,
) -> str:
    """The pull request's text, in Markdown."""
    lines = [
        f"<!-- trunkline:adoption {change} -->",
        _WHAT_HAPPENS.format(agent=agent, environment=environment),
        "",
        "| field | Git wants | is there | by | at |",
        "| --- | --- | --- | --- | --- |",
        *(_row(field) for field in fields[:FIELDS_SHOWN]),
    ]
    if len(fields) > FIELDS_SHOWN:
        lines.append(f"\nand {len(fields) - FIELDS_SHOWN} more")
    if refused:
        lines += ["", "Not in this change, to be said by hand:", ""]
        lines += [f"- {plain(words)}" for words in refused[:FIELDS_SHOWN]]
    return "\n".join(lines) + "\n"


def _row(field: Drifted) -> str:
    cells = (field.path, _shown(field.wished), _shown(field.live), field.by, field.at)
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return " ".join(plain(text).split())


def _shown(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_MAX_CHARACTERS else f"{text[:VALUE_MAX_CHARACTERS]}…"
