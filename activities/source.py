"""Look at Git and store what it wants: the only way into the table of wishes.

A tree that cannot be read or is invalid changes nothing but the words that say so; the last good
one stays in force. Releases are looked at even then: they stand on commits of their own. What was
applied is what the store says, never what a workflow remembers, so that an emptied store is filled
again by the next look.
"""

import asyncio
import logging
from dataclasses import dataclass

from temporalio import activity

from activities.clocks import SystemClock
from activities.errors import translated
from activities.heartbeats import beating
from activities.names import READ_SOURCE
from activities.policies import changed_policies, project_of
from activities.promotion_rules import RulesKept
from activities.releases import ReleaseLooks
from activities.restraints import Restraints
from activities.types import SourceLook, SourceRequest
from trunkline.model.base import JsonObject
from trunkline.model.conditions import Condition, Conditions, find
from trunkline.model.errors import (
    CommitUntrusted,
    InvalidInput,
    InvalidManifests,
    NotFound,
    SourceError,
    TrunklineError,
)
from trunkline.model.ids import Revision
from trunkline.model.kinds import Project
from trunkline.model.kinds.signing import CommitSigning
from trunkline.model.limits import PROBLEMS_MAX
from trunkline.model.manifests import Manifests
from trunkline.model.problems import Problem
from trunkline.model.records import EventRecord, SourceState
from trunkline.model.resolution import ResolutionCache, Wishlist, records, wishes
from trunkline.model.signatures import commit_rule, described, require_trusted
from trunkline.ports import (
    Clock,
    Interventions,
    ManifestSource,
    Projects,
    SourceHead,
    Sources,
    Statuses,
    Wishes,
)

SOURCE_ATTEMPTS = 2
"""Tries before a failing repository is shown: one flicker is no news, two are."""
PROBLEMS_SHOWN = 20
"""Problems listed in the Temporal UI; all of them are in the status."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Tip:
    """What a look has found so far: nothing, the tip, and whose signature it bears; whether its
    releases were looked at.
    """

    source: ManifestSource | None = None
    head: SourceHead | None = None
    signature: str = ""
    followed: bool = False


class SourceActivities:
    """What a project's workflow asks of Git."""

    def __init__(
        self,
        sources: Sources,
        projects: Projects,
        wishes: Wishes,
        statuses: Statuses,
        clock: Clock | None = None,
        interventions: Interventions | None = None,
        releases: ReleaseLooks | None = None,
        rules: RulesKept | None = None,
    ) -> None:
        self._interventions = interventions
        self._releases = releases
        self._rules = rules
        self._clock = clock or SystemClock()
        self._sources = sources
        self._projects = projects
        self._wishes = wishes
        self._statuses = statuses
        self._resolved: dict[str, ResolutionCache] = {}

    @activity.defn(name=READ_SOURCE)
    async def read_source(self, request: SourceRequest) -> SourceLook:
        """Fetch, validate and store the tip of the branch, if it moved or ``force`` says so."""
        with translated(request.timing):
            async with beating():
                return await self._look(request)

    async def _look(self, request: SourceRequest) -> SourceLook:
        known = await self._projects.source(request.project)
        state = known or SourceState(project=request.project)
        tip = _Tip()
        try:
            source = tip.source = await self._sources.source(request.project)
            head = tip.head = await source.head(known=state.applied_revision)
            in_force = await self._rule_in_force(state)
            if head.revision != state.applied_revision:
                await self._require_signers(
                    source, tip, head, in_force, since=state.applied_revision
                )
                changed = await self._apply(source, tip, head, state, in_force)
            else:
                await self._recognise(source, tip, head, state, in_force)
                changed = 0
                if request.force:
                    changed = await self._apply(source, tip, head, state, in_force)
                else:
                    await self._record(state, _applied(state, head, tip.signature))
            changed += await self._follow(request, tip)
        except (InvalidManifests, SourceError, NotFound) as error:
            if error.retryable and activity.info().attempt < SOURCE_ATTEMPTS:
                raise
            if tip.followed:
                state = await self._projects.source(request.project) or state
            await self._follow_all_the_same(request, tip, error)
            return await self._refuse(state, error, tip)
        undeclared = await self._wishes.undeclared(request.project, 1)
        return SourceLook(
            revision=head.revision,
            changed=changed,
            undeclared=bool(undeclared),
            details=_applied_details(head, changed),
        )

    async def _follow(self, request: SourceRequest, tip: _Tip, *, trusted: bool = True) -> int:
        """What the tip says of releases, under the last valid Project; answers how many changed."""
        if self._releases is None or tip.head is None or tip.source is None:
            return 0
        tip.followed = True
        project = _readable(await self._wishes.project_manifest(request.project))
        if project is None:
            return 0
        return await self._releases.look(
            tip.source, project, tip.head.revision, whole=request.force, trusted=trusted
        )

    async def _follow_all_the_same(
        self, request: SourceRequest, tip: _Tip, error: TrunklineError
    ) -> None:
        """Releases of a tip that is not applied; nothing counts as removed by one nobody trusts."""
        if tip.followed:
            return
        try:
            await self._follow(request, tip, trusted=not isinstance(error, CommitUntrusted))
        except (SourceError, InvalidInput) as problem:
            _log.warning("releases of %s were not read: %s", request.project, problem)

    async def _rule_in_force(self, state: SourceState) -> CommitSigning | None:
        """The rule of the manifest applied last, which no newer commit can lift."""
        if state.applied_revision is None:
            return None
        return commit_rule(await self._wishes.project_manifest(state.project))

    async def _require_signers(
        self,
        source: ManifestSource,
        tip: _Tip,
        head: SourceHead,
        rule: CommitSigning | None,
        *,
        since: Revision | None = None,
        whose: str = "the manifest applied last",
    ) -> None:
        """Raises a SourceError unless the rule accepts the tip and what came ``since``."""
        if rule is None or not rule.signers:
            return
        try:
            found = await source.signatures(head.revision, rule, since=since)
        except SourceError:
            if rule.policy == "off":
                return
            raise
        tip.signature = described(found[0], rule)
        require_trusted(found, rule, today=self._clock.now().date(), whose=whose)

    async def _recognise(
        self,
        source: ManifestSource,
        tip: _Tip,
        head: SourceHead,
        state: SourceState,
        rule: CommitSigning | None,
    ) -> None:
        """Say again whose signature the applied commit bears; it was accepted when it came."""
        if state.seen_revision == head.revision:
            tip.signature = state.signature
        elif rule is not None:
            shown = rule.model_copy(update={"policy": "off"})
            await self._require_signers(source, tip, head, shown)

    async def _apply(
        self,
        source: ManifestSource,
        tip: _Tip,
        head: SourceHead,
        state: SourceState,
        in_force: CommitSigning | None,
    ) -> int:
        manifests = await source.manifests(head.revision)
        signing = manifests.project.manifest.spec.signing
        own = signing.commits if signing is not None else None
        if own != in_force and head.revision != state.applied_revision:
            await self._require_signers(
                source, tip, head, own, whose="the manifest this very commit brings"
            )
        former = await self._wishes.project_manifest(state.project)
        manifests = await self._under_rules(source, manifests, head.revision, former)
        kept = self._resolved.setdefault(state.project, ResolutionCache())
        resolved = await asyncio.to_thread(wishes, manifests, kept=kept)
        applied = _applied(state, head, tip.signature)
        project = manifests.project.manifest
        manifest = project.model_dump(mode="json")
        if self._interventions is not None and head.revision != state.applied_revision:
            restraints = Restraints(self._interventions, self._clock)
            if head.rewritten:
                await restraints.pause(state, (former, manifest))
            await restraints.hold_rules(state.project, head.revision, former, manifest)
        changed = await self._wishes.store_tree(
            applied,
            await asyncio.to_thread(records, resolved, head.revision, kept=kept),
            {str(key): held for key, held in resolved.contents.items()},
            manifest,
            redeclare=changed_policies(former, manifest),
            released=[each.name for each in project.spec.environments if each.source != "head"],
        )
        _log.info("applied %s of %s: %d changed", head.revision[:12], state.project, changed)
        if applied != state:
            await self._statuses.add_events([_applied_event(applied, head, resolved, changed)])
        return changed

    async def _under_rules(
        self,
        source: ManifestSource,
        manifests: Manifests,
        revision: Revision,
        former: JsonObject | None,
    ) -> Manifests:
        """The manifests with the rules of promotion that are in force."""
        if self._rules is None:
            return manifests
        return await self._rules.settled(manifests, revision, _readable(former), source)

    async def _refuse(self, state: SourceState, error: TrunklineError, tip: _Tip) -> SourceLook:
        head = tip.head
        problems = error.problems[:PROBLEMS_MAX] if isinstance(error, InvalidManifests) else ()
        refused = state.model_copy(
            update={
                "seen_revision": head.revision if head is not None else state.seen_revision,
                "signature": tip.signature if head is not None else state.signature,
                "conditions": _refusal(error),
                "problems": problems,
            }
        )
        await self._record(state, refused)
        undeclared = await self._wishes.undeclared(state.project, 1)
        return SourceLook(
            revision=state.applied_revision,
            undeclared=bool(undeclared),
            problem=error.message,
            reason=error.reason,
            definite=not error.retryable,
            details=_refused_details(state.applied_revision, error, problems),
        )

    async def _record(self, before: SourceState, after: SourceState) -> None:
        if after == before or not await self._projects.put_source(after):
            return
        ready = find(after.conditions, "Ready")
        if ready is None:
            return
        await self._statuses.add_events(
            [
                EventRecord(
                    project=after.project,
                    kind="project",
                    name=after.project,
                    type="Normal" if ready.status == "True" else "Warning",
                    reason=ready.reason,
                    message=ready.message,
                    revision=after.seen_revision,
                )
            ]
        )


def _readable(manifest: JsonObject | None) -> Project | None:
    """None for a manifest that another version stored and this one cannot read."""
    try:
        return project_of(manifest) if manifest is not None else None
    except InvalidInput:
        return None


def _applied(state: SourceState, head: SourceHead, signature: str) -> SourceState:
    """The state once the tip is what is applied; keeps saying that history was rewritten."""
    if head.revision == state.applied_revision:
        before = find(state.conditions, "Ready")
        message = before.message if before is not None and before.status == "True" else ""
    elif head.rewritten:
        message = (
            f"History was rewritten: {state.applied_revision or ''} is no ancestor of the tip "
            "any more. The tip is applied; check that nothing was lost in the force-push."
        )
    else:
        message = ""
    reason = "HistoryRewritten" if message else "Applied"
    return SourceState(
        project=state.project,
        seen_revision=head.revision,
        applied_revision=head.revision,
        author=head.author,
        subject=head.subject,
        signature=signature,
        conditions=(Condition(type="Ready", status="True", reason=reason, message=message),),
    )


def _refusal(error: TrunklineError) -> Conditions:
    words = f"{error.message} {error.hint}".strip()
    ready = Condition(type="Ready", status="False", reason=error.reason, message=words)
    kind: Condition = (
        Condition(type="Reconciling", status="True", reason=error.reason, message=words)
        if error.retryable
        else Condition(type="Stalled", status="True", reason=error.reason, message=words)
    )
    return (ready, kind)


def _applied_event(
    state: SourceState, head: SourceHead, resolved: Wishlist, changed: int
) -> EventRecord:
    fleet = f"{len(resolved.agents)} agents and {len(resolved.numbers)} numbers"
    ready = state.conditions[0]
    return EventRecord(
        project=state.project,
        kind="project",
        name=state.project,
        type="Warning" if head.rewritten else "Normal",
        reason=ready.reason,
        message=(
            f"{head.subject} ({head.author}): {changed} of {fleet} changed. {ready.message}"
        ).strip(),
        revision=head.revision,
        details={"author": head.author, "subject": head.subject},
    )


def _applied_details(head: SourceHead, changed: int) -> str:
    return (
        f"**Applied** `{head.revision[:12]}` {head.subject}\n\nby {head.author}; {changed} changed"
    )


def _refused_details(
    applied: Revision | None, error: TrunklineError, problems: tuple[Problem, ...]
) -> str:
    listed = "".join(f"\n- {problem}" for problem in problems[:PROBLEMS_SHOWN])
    standing = f"`{applied[:12]}` stays in force" if applied else "nothing is applied yet"
    return f"**{error.reason}** {error.message} {error.hint}\n\n{standing}{listed}"
