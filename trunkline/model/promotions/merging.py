"""From the merge of a proposed release to its tag: the last moment at which it can be stopped.

What was merged is in Git and counts for nothing without its tag. So what people say until then is
still heard, a window or a hold holds back the tag, and evidence counts at the merge: what was
merged too late is tested and proposed again.
"""

from datetime import datetime

from trunkline.model.gates import shown
from trunkline.model.interventions import in_force
from trunkline.model.promotions.earning import closed_words, replacing, tested_again
from trunkline.model.promotions.ending import ending, ends, push_pause
from trunkline.model.promotions.facts import Facts, MergedFound
from trunkline.model.promotions.guards import in_the_way
from trunkline.model.promotions.moving import Decision, Look, Move, entered, said, waits
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.proposing import UNEARNED
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.windows import decide


def merged_of(record: PromotionRecord, facts: Facts) -> MergedFound | None:
    """What was merged of the promotion's own release, if it is what would be released now."""
    found = facts.merged
    if found is None or found.is_back or not found.is_current:
        return None
    earned = record.gate_passed_at is not None and record.phase not in UNEARNED
    return found if record.kind == "rollback" or earned else None


def after_merge(record: PromotionRecord, look: Look, found: MergedFound) -> Decision:
    """The promotion up to the tag of its release. A newer commit is too late to supersede it."""
    over = ending(record, look.facts)
    if over is not None and (over.state != "Superseded" or _is_late(record, look, found)):
        words = (
            f"{over.message}; v{found.version} was merged and never tagged, so it does not count:"
            f" revert {found.commit[:10]}"
        )
        return ends(record, look, over._replace(message=words))
    record = entered(record, "Releasing", look)
    if record.kind == "promote":
        rules = look.facts.rules
        if rules is None:
            words = f"v{found.version} is merged; the rules of promotion are not known"
            return waits(record, look, "RulesUnknown", words)
        record = record.model_copy(update={"approvals_needed": rules.promotion.approvals.count})
        if _is_late(record, look, found):
            expires_at = shown(_expiry(record, look, rules))
            words = f"it was merged after its evidence expired at {expires_at}"
            record, decision = tested_again(record, look, rules, words)
            return decision or waits(record, look, "MergedLate", words)
        closed = _closed_window(record, look, rules)
        if closed:
            words = f"v{found.version} is merged; it counts once the window opens: {closed}"
            until = decide(rules.promotion.windows, look.now)[1]
            return waits(record, look, "OutsideWindow", words, until=until)
    held = in_the_way(record, look.facts)
    if held is not None:
        words = f"v{found.version} is merged and not tagged yet: {held.words}"
        return waits(record, look, held.reason, words, stalled=True)
    return tagging(replacing(record, look.facts), look, found)


def tagging(record: PromotionRecord, look: Look, found: MergedFound) -> Decision:
    """The tag that makes a merged release count."""
    paused = push_pause(record, look)
    if paused is not None:
        return paused
    words = f"v{found.version} is merged in {found.commit[:10]}; it is being tagged"
    return said(record, "Tagging", words), Move(kind="tag")


def _is_late(record: PromotionRecord, look: Look, found: MergedFound) -> bool:
    """True if it was merged after its evidence had expired; a way back rests on older evidence."""
    rules = look.facts.rules
    return (
        record.kind == "promote" and rules is not None and found.at > _expiry(record, look, rules)
    )


def _expiry(record: PromotionRecord, look: Look, rules: PromotionRules) -> datetime:
    return (record.gate_passed_at or look.now) + rules.promotion.evidence.expires


def _closed_window(record: PromotionRecord, look: Look, rules: PromotionRules) -> str:
    """When the window opens, in words; "" if it is open."""
    windows = rules.promotion.windows
    is_open, changes_at = decide(windows, look.now)
    place = (record.environment, "agent", record.agent)
    overridden = in_force(look.facts.interventions, "override-window", *place)
    if is_open or overridden is not None:
        return ""
    return closed_words(windows, look.now, changes_at)
