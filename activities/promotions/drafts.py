"""What a release says before anybody pushes it: its file, its message, its author and its tag.

The same for a commit on the branch and for a proposal of one: both are made of what was earned, at
the moment they are made. Writes nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from activities.errors import superseded
from activities.promotions.looking import Decision
from activities.promotions.own_releases import spec_at, trailer
from activities.promotions.ports import PromotionPorts
from activities.promotions.proposed import BY_ITSELF, kept_hold
from trunkline.manifests.release_files import release_text
from trunkline.model.errors import PromotionRefused
from trunkline.model.evidence import (
    Evidence,
    Rollback,
    gate_evidence,
    parse_evidence,
    release_evidence,
    release_problem,
    restored_evidence,
    signed_release,
)
from trunkline.model.ids import PROMOTION_TRAILER, Revision, release_path, release_tag
from trunkline.model.kinds.release import Hold, ReleaseSpec
from trunkline.model.limits import API_PAGE_MAX
from trunkline.model.manual_results import ManualResult
from trunkline.model.promotions.authors import commit_author
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.promotions.versions import next_version, problem_of_version
from trunkline.model.signatures import OWN_EMAIL
from trunkline.model.testing.results import TestRunReport
from trunkline.ports.releasing import ReleaseRepository

OURSELVES: Final = ("Trunkline", OWN_EMAIL)
"""Who a commit is by that nobody asked for."""
ROLLBACK_TRAILER: Final = "Trunkline-Rollback"


@dataclass(frozen=True, slots=True)
class ReleaseDraft:
    """A release that nobody has pushed. ``current`` is what the branch releases now."""

    base: Revision
    spec: ReleaseSpec
    current: ReleaseSpec | None
    edits: dict[str, str | None]
    message: str
    author: tuple[str, str]

    @property
    def urgent(self) -> bool:
        """True if it takes a release back."""
        return self.spec.restores is not None


class ReleaseDrafts:
    """Makes releases of what a look decided."""

    def __init__(self, ports: PromotionPorts) -> None:
        self._ports = ports

    async def of(self, repository: ReleaseRepository, decided: Decision) -> ReleaseDraft:
        """The release, or the one that takes it back, on the tip that was looked at.

        Raises PromotionRefused, SigningKeyMissing, a SourceError.
        """
        record, tip = decided.record, decided.looked.git.tip
        rules = decided.looked.facts.rules
        if tip is None or rules is None:
            raise superseded(f"{record.id}: branch or rules are not known")
        current = await spec_at(repository, tip, record)
        tags = await repository.release_tags(record.environment, record.agent)
        version = next_version(tags, current)
        if record.kind == "promote" and decided.move.kind in {"release", "propose"}:
            spec = await self._promoted(record, rules, current, version)
            author = _author(record, rules)
            back = False
        else:
            spec = await self._restored(repository, decided, rules, current, version)
            back = record.kind == "promote"
            author = OURSELVES if back else _author(record, rules)
        return ReleaseDraft(
            base=tip,
            spec=spec,
            current=current,
            edits={_path(record): release_text(record.agent, spec)},
            message=_message(record, spec, back=back),
            author=author,
        )

    async def _promoted(
        self,
        record: PromotionRecord,
        rules: PromotionRules,
        current: ReleaseSpec | None,
        version: int,
    ) -> ReleaseSpec:
        """The release of what passed. Raises PromotionRefused, SigningKeyMissing."""
        now = self._ports.clock.now()
        if record.revision is None or record.digest is None:
            raise PromotionRefused(f"{record.id}: it is not known what is promoted")
        evidence = release_evidence(
            _gate(record, rules, now),
            record,
            issued_at=now,
            manual=await self._manual(record, rules),
        )
        spec = ReleaseSpec(
            environment=record.environment,
            version=version,
            revision=record.revision,
            digest=record.digest,
            changes=record.changes,
            promotedBy=record.requested_by,
            rollout=rules.promotion.rollout,
            hold=kept_hold(current),
        )
        return signed_release(record.project, record.agent, spec, evidence, self._ports.keys)

    async def _manual(
        self, record: PromotionRecord, rules: PromotionRules
    ) -> tuple[ManualResult, ...]:
        if not rules.promotion.tests.manual:
            return ()
        results = await self._ports.manual_results.manual_results(
            record.project, record.agent, limit=API_PAGE_MAX
        )
        fitting = (each for each in results if each.digest == record.digest)
        return tuple(each for each in fitting if each.status == "passed")

    async def _restored(
        self,
        repository: ReleaseRepository,
        decided: Decision,
        rules: PromotionRules,
        current: ReleaseSpec | None,
        version: int,
    ) -> ReleaseSpec:
        """A former release as a new version. Only one that counts: signing makes it count anew.

        Raises PromotionRefused, SigningKeyMissing.
        """
        record, move = decided.record, decided.move
        wanted = record.restores if record.kind == "rollback" else move.restores
        former = await self._former(repository, record, rules, wanted or 0)
        replaced = current.version if current is not None else version - 1
        reason = move.reason or record.abort_reason or record.changes
        by = record.requested_by if record.kind == "rollback" else BY_ITSELF
        rollback = Rollback.model_validate(
            {
                "from": max(replaced, 1),
                "to": former.version,
                "by": by,
                "reason": reason,
                "at": self._ports.clock.now(),
            }
        )
        spec = ReleaseSpec(
            environment=record.environment,
            version=version,
            revision=former.revision,
            digest=former.digest,
            changes=f"Back to v{former.version}: {reason}",
            promotedBy=by,
            restores=former.version,
            hold=hold_of(reason, by),
        )
        evidence = restored_evidence(former.evidence, rollback)
        return signed_release(record.project, record.agent, spec, evidence, self._ports.keys)

    async def _former(
        self,
        repository: ReleaseRepository,
        record: PromotionRecord,
        rules: PromotionRules,
        version: int,
    ) -> ReleaseSpec:
        """The release to go back to, if it counts. Raises PromotionRefused."""
        place = (record.project, record.environment, record.agent)
        kept = await self._ports.releases.release(*place, version)
        if kept is None:
            raise PromotionRefused(f"v{version} of {record.agent} is not known")
        spec = ReleaseSpec.model_validate(kept.spec)
        tags = await repository.release_tags(record.environment, record.agent)
        problem = release_problem(
            *place, spec, public_keys=rules.public_keys, keys=self._ports.keys
        ) or problem_of_version(record.agent, spec, tags)
        if problem:
            raise PromotionRefused(
                f"v{version} of {record.agent} does not count: {problem}",
                hint=f"Go back to another one: trunkline history {record.agent}",
            )
        return spec


def tag_of(record: PromotionRecord, spec: ReleaseSpec) -> tuple[str, str]:
    """Name and message of the tag that makes a release count."""
    name = release_tag(record.environment, record.agent, spec.version)
    return name, f"{record.agent} v{spec.version} in {record.environment}\n\n{spec.changes}\n"


def hold_of(reason: str, by: str) -> Hold:
    """Why nothing is promoted over a release by itself."""
    return Hold(reason=reason or "rolled back", by=by)


def _gate(record: PromotionRecord, rules: PromotionRules, now: datetime) -> Evidence:
    """The evidence of the gate, or that the rules asked for none."""
    if record.evidence or rules.promotion.tests.required:
        return parse_evidence(record.evidence)
    report = TestRunReport(
        id="",
        project=record.project,
        environment=record.environment,
        state="Finished",
        finished_at=now,
    )
    expires_at = now + rules.promotion.evidence.expires
    return gate_evidence(report, record, expires_at=expires_at, tests_required=False)


def _path(record: PromotionRecord) -> str:
    return release_path(record.environment, record.agent)


def _message(record: PromotionRecord, spec: ReleaseSpec, *, back: bool) -> str:
    """Subject, changes, and the trailers by which the commit is found again."""
    verb = "Roll back" if spec.restores is not None else "Release"
    subject = f"{verb} {record.agent} in {record.environment}: v{spec.version}"
    trailers = [f"{PROMOTION_TRAILER}: {trailer(record)}"]
    if back:
        trailers.append(f"{ROLLBACK_TRAILER}: true")
    return "\n\n".join((subject, spec.changes, "\n".join(trailers))) + "\n"


def _author(record: PromotionRecord, rules: PromotionRules) -> tuple[str, str]:
    """Name and address of whoever asked, as commits name them."""
    if record.automatic or not record.requested_by:
        return OURSELVES
    return commit_author(record.requested_by, rules.people)
