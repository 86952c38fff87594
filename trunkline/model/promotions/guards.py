"""Why an agent cannot be promoted as things are: reasons a person can act on.

The same reasons answer a request before anything is started and end a promotion that was started
all the same. A reason that time alone will change is no refusal: it is waited for (``waiting``).
What can come up again after the start is asked once more before the release (``in_the_way``).
"""

from collections.abc import Iterable, Iterator
from typing import Final

from trunkline.model.base import Frozen
from trunkline.model.behaviour import behaviour_drift
from trunkline.model.errors import InvalidInput
from trunkline.model.gates import suspension_words
from trunkline.model.ids import Digest
from trunkline.model.interventions import Intervention, InterventionVerb, in_force
from trunkline.model.manual_results import Checklist, ManualResult
from trunkline.model.promotions.authors import mapped, unmapped_words
from trunkline.model.promotions.changelogs import require_meaning
from trunkline.model.promotions.facts import Candidate, Deployed, Facts
from trunkline.model.promotions.policies import PromotionRules, spelt
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.signatures import list_own_key

TRUNKLINE: Final = "trunkline"
"""Who disables an agent after a failed first release; such a one is mended by a promotion."""


class Refusal(Frozen):
    """One reason; ``message`` is a sentence, ``hint`` what to do."""

    reason: str
    message: str
    hint: str = ""

    @property
    def words(self) -> str:
        """Both in one line."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


def refusals(record: PromotionRecord, facts: Facts) -> tuple[Refusal, ...]:
    """Why the promotion cannot be started, the most telling first; empty if it can. Facts that
    are None refuse nothing.
    """
    if record.kind == "rollback":
        return tuple(_of_rollback(record, facts))
    found = list(_of_place(record, facts))
    if facts.candidate is not None or facts.candidate_gone:
        found += _of_candidate(record, facts.candidate)
    if facts.origin is not None and not facts.origin.there:
        found.append(
            _cannot(
                record,
                "AgentNotCreated",
                "agent not created in ElevenLabs",
                f"trunkline sync {record.agent} -e {record.origin or 'testing'}",
            )
        )
    found += _of_release(record, facts)
    found += _of_decisions(record, facts)
    if facts.rules is not None:
        found += _of_rules(record, facts, facts.rules)
    found += _of_keys(record, facts)
    found += _of_commits(record, facts)
    found += _of_changes(record)
    return tuple(found)


def waiting(record: PromotionRecord, facts: Facts) -> Refusal | None:
    """What the promotion waits for before its tests begin, or None. A rollback waits for nothing
    that a promotion waits for.
    """
    if record.kind == "rollback":
        return None
    if facts.rules is None:
        words = f"the rules of promotion into {record.environment} are not known yet"
        return Refusal(reason="RulesUnknown", message=words, hint="they are read at the next look")
    if facts.candidate is None:
        words = f"what the branch says of {record.agent} could not be read"
        return Refusal(reason="SourceUnknown", message=words, hint=facts.source_problem)
    return origin_problem(record, facts.origin, facts.candidate.digest)


def origin_problem(
    record: PromotionRecord, origin: Deployed | None, digest: Digest | None
) -> Refusal | None:
    """Why the agent it is promoted from is not settled at a digest, or None."""
    place = f"{record.agent} in {record.origin}"
    if origin is None or origin.sync == "Unknown":
        said = origin.message if origin is not None else ""
        return Refusal(reason="OriginUnknown", message=f"how {place} is, is not known", hint=said)
    if origin.sync == "Synced" and origin.digest == digest and origin.there:
        return None
    hint = origin.message or f"trunkline why {record.agent} -e {record.origin}"
    return Refusal(
        reason="OriginNotSynced", message=f"{place} is not at this configuration yet", hint=hint
    )


def in_the_way(record: PromotionRecord, facts: Facts) -> Refusal | None:
    """What holds back the release commit although everything was earned, or None: a suspension,
    a disabled agent, a hold on automatic promotions, a signing key that is gone, a rule for
    commits.
    """
    found: list[Refusal] = []
    if record.kind == "promote":
        found += _of_place(record, facts)
        found += _of_decisions(record, facts)
        found += _of_commits(record, facts)
    return next(iter([*found, *_of_keys(record, facts)]), None)


def manual_passed(results: Iterable[ManualResult], digest: Digest) -> int:
    """How many different people's newest manual result of exactly this digest passed, with every
    item of the checklist true.
    """
    newest: dict[str, ManualResult] = {}
    for result in sorted(results, key=lambda each: (each.tested_at, each.id)):
        if result.digest == digest:
            newest[result.tested_by.casefold()] = result
    return sum(_is_passed(result) for result in newest.values())


def disabled(facts: Facts, environment: str, agent: str) -> Intervention | None:
    """The decision that takes the agent's calls away, or None."""
    return in_force(facts.interventions, "disable", environment, "agent", agent)


def _is_passed(result: ManualResult) -> bool:
    items = (getattr(result.checklist, name) for name in Checklist.model_fields)
    return result.status == "passed" and all(item is True for item in items)


def _cannot(record: PromotionRecord, reason: str, words: str, hint: str = "") -> Refusal:
    return Refusal(
        reason=reason, message=f"Cannot deploy to {record.environment}: {words}", hint=hint
    )


def _of_rollback(record: PromotionRecord, facts: Facts) -> Iterator[Refusal]:
    if facts.restorable is False:
        yield Refusal(
            reason="NeverReleased",
            message=f"{record.agent} v{record.restores} was never released to {record.environment}",
            hint=f"trunkline history {record.agent} -e {record.environment}",
        )
    yield from _of_keys(record, facts)


def _of_place(record: PromotionRecord, facts: Facts) -> Iterator[Refusal]:
    if facts.no_promotion and facts.rules is None:
        yield _cannot(
            record,
            "NoPromotion",
            f"nothing is promoted to {record.environment}",
            "give it `source: releases` and a `promotion` in trunkline.yaml",
        )
    if facts.rules is None:
        return
    promotion = facts.rules.promotion
    if promotion.via == "pull-request" and facts.forge_problem:
        yield _cannot(
            record,
            "PullRequestNeeded",
            f"releases of {record.environment} are made by pull request, which this server"
            f" cannot open: {facts.forge_problem}",
            "give it the forge's token, or set `via: commit`, which an admin must agree to",
        )
    if record.origin and record.origin != promotion.from_environment:
        yield _cannot(
            record,
            "OriginChanged",
            f"it is promoted to from {promotion.from_environment}, not from {record.origin}",
        )


def _of_candidate(record: PromotionRecord, candidate: Candidate | None) -> Iterator[Refusal]:
    if candidate is None:
        yield _cannot(
            record,
            "AgentUnknown",
            "the branch has no such agent",
            f"add {record.agent} and push it",
        )
    elif candidate.lifecycle == "draft":
        yield _cannot(
            record, "AgentDraft", "agent is a draft", "set `lifecycle: active` in its manifest"
        )
    elif candidate.lifecycle == "inactive":
        yield _cannot(
            record, "AgentInactive", "agent is inactive", "set `lifecycle: active` in its manifest"
        )


def _of_release(record: PromotionRecord, facts: Facts) -> Iterator[Refusal]:
    standing, candidate = facts.standing, facts.candidate
    if standing is None or candidate is None or standing.applied is None:
        return
    if standing.removed or standing.reason:
        return
    if standing.applied.digest != candidate.digest or standing.applied.experiment is not None:
        return
    yield _cannot(
        record,
        "AlreadyReleased",
        f"exactly this configuration is v{standing.applied.version} there already",
    )


def _of_decisions(record: PromotionRecord, facts: Facts) -> Iterator[Refusal]:
    for environment in dict.fromkeys((record.environment, record.origin)):
        if not environment:
            continue
        suspended = _decided(facts, "suspend", environment, record.agent)
        if suspended is not None:
            yield _cannot(
                record,
                "AgentSuspended",
                suspension_words(suspended),
                f"trunkline resume {record.agent} -e {environment}",
            )
        taken = disabled(facts, environment, record.agent)
        if taken is not None and not (taken.by == TRUNKLINE and environment == record.environment):
            yield _cannot(
                record,
                "AgentDisabled",
                f"agent was disabled in {environment} by {taken.by}: {taken.reason}",
                f"trunkline enable {record.agent} -e {environment}",
            )
    if record.automatic:
        yield from _of_holds(record, facts)


def _of_holds(record: PromotionRecord, facts: Facts) -> Iterator[Refusal]:
    """What stops only promotions nobody asked for."""
    hold = facts.standing.seen.hold if facts.standing and facts.standing.seen else None
    if hold is not None:
        yield _cannot(
            record,
            "Held",
            f"{record.agent} is held by {hold.held_by}: {hold.reason}",
            f"trunkline hold {record.agent} -e {record.environment} --release, or promote it",
        )
    applied = facts.standing.applied if facts.standing else None
    drifted = behaviour_drift(
        facts.interventions,
        record.environment,
        record.agent,
        closure=applied.digest if applied is not None else None,
    )
    if drifted is not None:
        yield _cannot(
            record,
            "BehaviourDrifted",
            f"{record.agent} behaves worse there than it did: {drifted.reason}",
            f"look at it, then: trunkline promote {record.agent} -e {record.environment}",
        )


def _of_rules(record: PromotionRecord, facts: Facts, rules: PromotionRules) -> Iterator[Refusal]:
    asked = rules.promotion.approvals
    if facts.authors is not None and asked.count and asked.not_author:
        words = unmapped_words(mapped(facts.authors, rules.people))
        if words:
            yield _cannot(
                record,
                "AuthorUnknown",
                words,
                "add each address to its person under `people` in trunkline.yaml",
            )
    needed = rules.promotion.tests.manual
    if facts.candidate is not None and facts.manual_passed < needed:
        yield _cannot(
            record,
            "ManualResultsMissing",
            f"{facts.manual_passed} of {needed} manual results of this configuration passed",
            "call the agent and record what you found, by different people",
        )


def _of_keys(record: PromotionRecord, facts: Facts) -> Iterator[Refusal]:
    if not facts.public_key:
        yield _cannot(
            record,
            "SigningKeyMissing",
            "the server has no key to sign evidence with",
            "set TRUNKLINE_SIGNING_KEY",
        )
        return
    known = {spelt(key) for key in facts.rules.public_keys} if facts.rules is not None else set()
    if facts.rules is not None and spelt(facts.public_key) not in known:
        yield _cannot(
            record,
            "PublicKeyNotInForce",
            f"the server signs with {facts.public_key}, which is not among the public keys in"
            " force",
            "add it to `signing.publicKeys` in trunkline.yaml, which an admin must agree to",
        )


def _of_commits(record: PromotionRecord, facts: Facts) -> Iterator[Refusal]:
    """Without a key there is nothing to add: that is told first, by itself."""
    if facts.public_key and facts.commit_problem:
        yield _cannot(
            record,
            "CommitsNotAccepted",
            facts.commit_problem,
            list_own_key(facts.public_key),
        )


def _of_changes(record: PromotionRecord) -> Iterator[Refusal]:
    if record.automatic:
        return
    try:
        require_meaning(record.changes, agent=record.agent)
    except InvalidInput as error:
        yield _cannot(record, "ChangesMeaningless", error.message, error.hint)


def _decided(
    facts: Facts, verb: InterventionVerb, environment: str, agent: str
) -> Intervention | None:
    return in_force(facts.interventions, verb, environment, "agent", agent)
