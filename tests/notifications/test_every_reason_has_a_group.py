"""Whatever reason an event can carry, somebody who asked for its kind hears of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from trunkline.model.kinds.notifications import GROUPS
from trunkline.model.notifications.groups import (
    ERROR_REASONS,
    REASONS,
    group_of,
    tone_of,
    track_of,
)
from trunkline.model.promotions.records import PromotionState
from trunkline.model.records import EventRecord

ROOT = Path(__file__).parents[2]
ROOMS = ("trunkline/model", "trunkline/services", "activities")
NO_EVENTS = ("trunkline/model/testing", "trunkline/model/kinds", "activities/testing")
"""Rooms whose reasons stand in reports of tests and in manifests, never in an event."""
PASCAL = re.compile(r"[A-Z][a-z0-9]+([A-Z][a-z0-9]+)+")
"""Reasons of one word are too much like other words; they are named below."""
SINGLE = {"Applied", "Applying", "Disabled", "Drifted", "Ejected", "Enabled", "Forgotten", "Gone"}
SINGLE |= {"Inactive", "Kept", "Moved", "Pending", "Protected", "Pruned", "Pruning", "Released"}
SINGLE |= {"Resumed", "Suspended", "Timeout", "Unprotected", "Verified"}
NO_REASONS = {
    # why a promotion waits or may not begin: it stays in its record
    *("AgentDisabled", "AgentSuspended", "AuthorUnknown", "AuthorsUnknown", "NeverReleased"),
    *("NoPredecessor", "OriginNotSynced", "OriginUnhealthy", "OriginUnknown", "RollingBack"),
    *("SourceUnknown", "OriginChanged"),
    # outcomes of tests
    *("BudgetExhausted", "JudgeNotCalibrated", "NoRequiredTests", "OtherConfiguration"),
    # vendors, forges and kinds of manifests by their names
    *("ElevenLabs", "GitHub", "GitLab", "KnowledgeDocument", "ConversationTest", "PhoneNumber"),
}


def _modules() -> Iterator[ast.Module]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            if place != "activities/names.py" and not place.startswith(NO_EVENTS):
                yield ast.parse(path.read_text("utf-8"))


def _said(module: ast.Module) -> Iterator[str]:
    """Words given as a reason, kept under a constant's name, or held up to be one."""
    for node in ast.walk(module):
        if isinstance(node, ast.keyword) and node.arg == "reason":
            yield from _texts(node.value)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(t, ast.Name) and t.id.isupper() for t in targets):
                yield from _texts(node.value)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in CARRIERS:
            for argument in node.args:
                yield from _texts(argument)


CARRIERS = {"_event", "_progress", "event", "rollout_event", "said", "self._tell"}
"""Functions that take a reason by its place."""


def _texts(node: ast.expr) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def test_every_word_that_may_be_a_reason_is_known() -> None:
    said = {word for module in _modules() for word in _said(module) if PASCAL.fullmatch(word)}
    assert len(said) > 60
    assert sorted(said - REASONS.keys() - NO_REASONS) == []


def test_reasons_of_one_word_and_ends_of_promotions_are_known() -> None:
    ends = {f"Promotion{state}" for state in get_args(PromotionState) if state != "Open"}
    assert sorted((SINGLE | ends | ERROR_REASONS) - REASONS.keys()) == []


def test_every_group_has_reasons() -> None:
    assert set(REASONS.values()) == set(GROUPS)


def _event(reason: str, kind: str = "Warning") -> EventRecord:
    return EventRecord.model_validate(
        {"project": "acme", "type": kind, "reason": reason, "message": "m"}
    )


def test_what_breaks_and_what_mends_it_are_one_story() -> None:
    broken, mended = _event("CredentialsRejected"), _event("AsWished", "Normal")
    assert (group_of(broken), group_of(mended)) == ("health", "sync")
    assert track_of(broken) == track_of(mended)
    assert (tone_of(broken), tone_of(mended)) == ("bad", "good")


def test_an_error_that_is_tried_again_is_no_recovery() -> None:
    assert tone_of(_event("RateLimited", "Normal")) == "moving"
    assert tone_of(_event("Applying", "Normal")) == "moving"


def test_a_reason_of_another_release_is_sorted_by_its_type() -> None:
    assert group_of(_event("NeverHeardOf")) == "health"
    assert group_of(_event("NeverHeardOf", "Normal")) == "sync"
