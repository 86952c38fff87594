"""Promotions of one agent, and facts about them: each test changes what it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from trunkline.model.ids import Digest, Revision
from trunkline.model.kinds.project import Promotion
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.promotions.facts import Candidate, Deployed, Facts, RunFound
from trunkline.model.promotions.moves import Move, next_move
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import CommitAuthor, PromotionRecord
from trunkline.model.records import AuditRecord
from trunkline.model.releases import ReleaseStanding

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""
SOURCE = Revision("a" * 40)
TESTED = Digest(f"sha256:{'1' * 64}")
SUITE = f"sha256:{'2' * 64}"
RENDERED = Digest(f"sha256:{'3' * 64}")
PUBLIC_KEY = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
PEOPLE = (
    {"name": "ada", "emails": ["ada@example.com", "ada@home.example"]},
    {"name": "bob", "emails": ["bob@example.com"]},
    {"name": "cyd", "emails": ["cyd@example.com"]},
)


class Promoting:
    """A record and the facts it is looked at with; moves it at a clock of its own."""

    def __init__(self, **promotion: Any) -> None:
        self.now = NOW
        self.record = record()
        self.rules = rules(**promotion)
        self.facts = facts(rules=self.rules)
        self.move = Move(kind="wait")

    def look(self, after_s: float = 0.0, **changed: Any) -> Move:
        """One look, later, with some facts changed for good."""
        self.now += timedelta(seconds=after_s)
        self.facts = self.facts.model_copy(update=changed)
        self.record, self.move = next_move(self.record, self.facts, self.now)
        again, move = next_move(self.record, self.facts, self.now)
        assert (again, move) == (self.record, self.move), "the same look changes nothing"
        return self.move

    def ends_run(self, outcome: str = "passed", after_s: float = 1.0, **said: Any) -> Move:
        """The tests that are asked for end, and it is looked again."""
        assert self.move.tests is not None, self.record.message
        found = RunFound.model_validate(
            {
                "run_id": self.move.tests.run_id,
                "outcome": outcome,
                "digest": TESTED,
                "suite_digest": SUITE if self.move.tests.purpose == "gate" else "another",
                "ended_at": self.now + timedelta(seconds=after_s),
                **said,
            }
        )
        return self.look(after_s, runs=(*self.facts.runs, found))

    def approves(self, actor: str = "bob", role: str = "approver", **details: Any) -> Move:
        """Somebody approves, and it is looked again."""
        row = audit(self.record, "promotion.approve", actor, role, at=self.now, **details)
        row = row.model_copy(update={"id": len(self.facts.audit) + 1})
        return self.look(1, audit=(*self.facts.audit, row))

    def says(self, action: str, actor: str = "bob", reason: str = "no") -> Move:
        """Somebody rejects or aborts, and it is looked again."""
        row = audit(self.record, f"promotion.{action}", actor, "approver", at=self.now)
        row = row.model_copy(update={"id": len(self.facts.audit) + 1, "reason": reason})
        return self.look(1, audit=(*self.facts.audit, row))

    def earns(self) -> Move:
        """Everything up to the release commit."""
        self.look()
        self.ends_run()
        self.approves()
        return self.look(self.rules.promotion.soak.total_seconds())

    @property
    def phases(self) -> list[str]:
        """The phases it went through, in order."""
        return [entry.phase for entry in self.record.timeline]


def rules(**promotion: Any) -> PromotionRules:
    """Rules of production; keys as in the manifest."""
    said = {"from": "testing", "soak": "10m", **promotion}
    return PromotionRules.model_validate(
        {
            "promotion": Promotion.model_validate(said),
            "people": PEOPLE,
            "public_keys": (PUBLIC_KEY,),
            "revision": SOURCE,
        }
    )


def record(**changed: Any) -> PromotionRecord:
    """A promotion nobody has looked at yet."""
    said = {
        "project": "acme",
        "environment": "production",
        "agent": "front-desk",
        "number": 3,
        "origin": "testing",
        "revision": SOURCE,
        "digest": TESTED,
        "suite_digest": SUITE,
        "changes": "Shorter greeting",
        "requested_by": "ada",
        "created_at": NOW,
        **changed,
    }
    return PromotionRecord.model_validate(said)


def facts(**changed: Any) -> Facts:
    """Everything as it should be before anything was begun."""
    said: dict[str, Any] = {
        "rules": rules(),
        "candidate": Candidate(
            revision=SOURCE, digest=TESTED, suite_digest=SUITE, rendered_digest=RENDERED
        ),
        "origin": Deployed(there=True, sync="Synced", health="Healthy", digest=TESTED),
        "target": Deployed(there=True, sync="Synced", health="Healthy", version=6),
        "standing": standing(6),
        "authors": (CommitAuthor(email="Ada@Example.com", revision=SOURCE),),
        "public_key": PUBLIC_KEY,
        "restorable": None,
        **changed,
    }
    return Facts(**said)


def release(version: int, **changed: Any) -> ReleaseSpec:
    """A release of another configuration."""
    said = {
        "environment": "production",
        "version": version,
        "revision": "b" * 40,
        "digest": f"sha256:{version:064x}",
        "changes": "Something else",
        "promotedBy": "ada@example.com",
        **changed,
    }
    return ReleaseSpec.model_validate(said)


def standing(version: int, **changed: Any) -> ReleaseStanding:
    """What the reconciler made of it: applied."""
    spec = release(version, **changed.pop("spec", {}))
    said = {
        "project": "acme",
        "environment": "production",
        "agent": "front-desk",
        "seen": spec,
        "applied": spec,
        "applied_version": version,
        **changed,
    }
    return ReleaseStanding(**said)


def running(version: int, **changed: Any) -> Deployed:
    """The target as it is once it runs a version."""
    return Deployed(
        **{"there": True, "sync": "Synced", "health": "Healthy", "version": version, **changed}
    )


def audit(
    about: PromotionRecord,
    action: str,
    actor: str,
    role: str,
    *,
    at: datetime = NOW,
    number: int = 1,
    **details: Any,
) -> AuditRecord:
    """A row of the audit log about a promotion."""
    said = {
        "promotion": about.id,
        "digest": about.digest,
        "suite": about.suite_digest,
        **details,
    }
    return AuditRecord.model_validate(
        {
            "actor": actor,
            "role": role,
            "action": action,
            "project": about.project,
            "subject": about.agent,
            "request_id": "r1",
            "details": said,
            "id": number,
            "at": at,
        }
    )
