"""A gate that passed, the release made of it, and the keys that sign and verify."""

from datetime import UTC, datetime, timedelta
from typing import Any

from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.model.base import JsonObject
from trunkline.model.evidence import (
    Evidence,
    gate_evidence,
    release_evidence,
    release_problem,
    signed_release,
)
from trunkline.model.ids import Digest, Revision
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.promotions.records import CommitAuthor, GivenApproval, PromotionRecord
from trunkline.model.testing.results import RunResult, TestResult, TestRunReport

ENDED_AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DIGEST = Digest("sha256:" + "a" * 64)
RENDERED = Digest("sha256:" + "b" * 64)


class World:
    """One agent's promotion with everything about it, to be changed before it is signed."""

    def __init__(
        self, agent: str = "front-desk", digest: Digest = DIGEST, keys: Ed25519Keys | None = None
    ) -> None:
        self.agent = agent
        self.digest = digest
        self.keys = keys or Ed25519Keys(new_private_key())
        self.record = PromotionRecord(
            project="acme",
            environment="production",
            agent=agent,
            number=3,
            origin="testing",
            revision=Revision("1" * 40),
            digest=digest,
            rendered_digest=RENDERED,
            suite_digest="sha256:" + "c" * 64,
            authors=(CommitAuthor(email="author@example.com", person="author"),),
            approvals=(GivenApproval(person="approver", role="approver", at=ENDED_AT, audit_id=7),),
        )
        self.report = TestRunReport(
            id="run-1",
            project="acme",
            environment="production",
            state="Finished",
            outcome="passed",
            tests=(self.result("greets"), self.result("knows-hours")),
            suite_digest="sha256:" + "c" * 64,
            details={"differences": ["tools[0].url", "webhook"]},
            finished_at=ENDED_AT,
        )

    def result(self, name: str, **changes: Any) -> TestResult:
        """A required test that passed twice of two."""
        runs = tuple(RunResult(number=n, outcome="passed", judge="plain/1") for n in (1, 2))
        plain = TestResult(
            name=name,
            agent=self.agent,
            environment="production",
            outcome="passed",
            runs=runs,
            digest="sha256:" + "d" * 64,
            agent_digest=self.digest,
            rendered_digest=RENDERED,
            judge="plain/1",
        )
        return plain.model_copy(update=changes)

    def evidence(self) -> Evidence:
        """The gate's, issued an hour later."""
        gate = gate_evidence(self.report, self.record, expires_at=ENDED_AT + timedelta(hours=24))
        return release_evidence(gate, self.record, issued_at=ENDED_AT + timedelta(hours=1))

    def spec(self, **changes: Any) -> ReleaseSpec:
        """A release nobody has signed yet."""
        said: JsonObject = {
            "environment": "production",
            "version": 7,
            "revision": "1" * 40,
            "digest": self.digest,
            "changes": "Shorter greeting",
            "promotedBy": "author@example.com",
            "rollout": {"steps": [10, 50], "every": "7m"},
        }
        return ReleaseSpec.model_validate({**said, **changes})

    def release(self, evidence: Evidence | None = None, **changes: Any) -> ReleaseSpec:
        """A signed release of the agent."""
        proof = self.evidence() if evidence is None else evidence
        return signed_release("acme", self.agent, self.spec(**changes), proof, self.keys)

    def problem(
        self,
        spec: ReleaseSpec,
        *,
        project: str = "acme",
        environment: str = "production",
        agent: str = "front-desk",
        public_keys: tuple[str, ...] | None = None,
    ) -> str:
        """Why the release does not count."""
        listed = (self.keys.public_key,) if public_keys is None else public_keys
        return release_problem(
            project, environment, agent, spec, public_keys=listed, keys=Ed25519Keys()
        )
