"""The commit that makes a release: built from what was earned, signed, pushed with its tag.

Everything is looked at once more right before: whoever decided to release did so a moment ago, on
a branch that may have moved, and a push whose answer was lost may have arrived. What cannot be
pushed is never tried again here, because the next try needs a look first.
"""

from datetime import datetime
from typing import Final

from temporalio import activity

from activities.errors import application_error, superseded, translated
from activities.heartbeats import beating
from activities.names import COMMIT_RELEASE, HOLD_RELEASE
from activities.promotion_types import PromotionStep, PromotionStepRequest
from activities.promotions.calls import PromotionCalls
from activities.promotions.looking import Decision, PromotionLooks
from activities.promotions.own_releases import trailer
from activities.promotions.ports import PromotionPorts
from trunkline.manifests.release_files import release_text
from trunkline.model.errors import (
    PromotionRefused,
    PushRefused,
    PushRejected,
    PushUnanswered,
)
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
BY_ITSELF: Final = "trunkline"
ROLLBACK_TRAILER: Final = "Trunkline-Rollback"
HOLDS_MAX: Final = 5
"""Somebody else's pushes that are made way for before a hold is tried again later."""


class ReleaseActivities:
    """Commits of releases, rollbacks and holds."""

    def __init__(self, ports: PromotionPorts, looks: PromotionLooks, calls: PromotionCalls) -> None:
        self._ports = ports
        self._looks = looks
        self._calls = calls

    @activity.defn(name=COMMIT_RELEASE)
    async def commit_release(self, request: PromotionStepRequest) -> PromotionStep:
        """Push the release, or the one that takes it back, unless that has happened already."""
        with translated(request.timing):
            async with beating():
                record = await self._looks.newest(request.record)
                decided = await self._looks.decide(record)
                if not record.is_open or decided.move.kind != request.move.kind:
                    raise superseded(f"{record.id}: what comes next is {decided.move.kind}")
                try:
                    return await self._push(decided, request)
                except (PushRejected, PushRefused, PushUnanswered) as error:
                    raise application_error(error, final=True) from None

    @activity.defn(name=HOLD_RELEASE)
    async def hold_release(self, request: PromotionStepRequest) -> PromotionStep:
        """Say in the release that nothing is promoted over it by itself; its signature stays."""
        with translated(request.timing):
            async with beating():
                record = request.record
                repository = await self._ports.repositories.repository(record.project)
                for _ in range(HOLDS_MAX):
                    tip = await repository.fetch_tip()
                    spec = await _at_tip(repository, tip, record)
                    if spec is None or spec.hold is not None:
                        return PromotionStep(note="nothing to hold" if spec is None else "held")
                    held = spec.model_copy(update={"hold": _hold(request.move.reason, BY_ITSELF)})
                    try:
                        commit = await repository.push_release(
                            tip,
                            edits={_path(record): release_text(record.agent, held)},
                            message=f"Hold {record.agent} in {record.environment}\n\n"
                            f"{request.move.reason}\n",
                            author=OURSELVES,
                            urgent=True,
                        )
                    except PushRejected:
                        continue
                    await self._calls.refresh(record.project, request.timing)
                    return PromotionStep(note="held", commit=commit)
                raise PushRejected(f"the branch moved {HOLDS_MAX} times while it was pushed to")

    async def _push(self, decided: Decision, request: PromotionStepRequest) -> PromotionStep:
        record, tip = decided.record, decided.looked.git.tip
        rules = decided.looked.facts.rules
        if tip is None or rules is None:
            raise superseded(f"{record.id}: branch or rules are not known")
        repository = await self._ports.repositories.repository(record.project)
        current = await _at_tip(repository, tip, record)
        tags = await repository.release_tags(record.environment, record.agent)
        version = next_version(tags, current)
        if record.kind == "promote" and request.move.kind == "release":
            spec = await self._promoted(record, rules, current, version)
            author = _author(record, rules)
            back = False
        else:
            spec = await self._restored(repository, decided, rules, current, version)
            back = record.kind == "promote"
            author = OURSELVES if back else _author(record, rules)
        commit = await repository.push_release(
            tip,
            edits={_path(record): release_text(record.agent, spec)},
            message=_message(record, spec, back=back),
            author=author,
            tag=release_tag(record.environment, record.agent, version),
            tag_revision=Revision(spec.revision),
            tag_message=f"{record.agent} v{version} in {record.environment}\n\n{spec.changes}\n",
            urgent=spec.restores is not None,
        )
        return PromotionStep(note=f"v{version}", version=version, commit=commit)

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
            hold=_kept_hold(current),
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
            hold=_hold(reason, by),
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


async def _at_tip(
    repository: ReleaseRepository, tip: Revision, record: PromotionRecord
) -> ReleaseSpec | None:
    """The release the branch names now; None without one that can be read."""
    placed = (await repository.releases(tip)).released.get((record.environment, record.agent))
    return placed.manifest.spec if placed is not None else None


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


def _kept_hold(current: ReleaseSpec | None) -> Hold | None:
    """A person's hold stays until it is lifted; ours was for the release that is replaced."""
    hold = current.hold if current is not None else None
    return hold if hold is not None and hold.held_by != BY_ITSELF else None


def _hold(reason: str, by: str) -> Hold:
    return Hold(reason=reason or "rolled back", by=by)


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
