"""What to do about one phone number, so that a call to it reaches the agent Git names.

Where calls go is ``routes``' business; here it is compared with the wish. What only a person can
mend is an obstacle with words, never a guess. A number without an agent rings its fallback, if
Trunkline has an address at which a carrier can ask for it. Both platforms' views come in as plain
values.
"""

from collections.abc import Collection
from dataclasses import dataclass

from trunkline.model.base import Json
from trunkline.model.desired import DesiredNumber
from trunkline.model.errors import NumberOwnedElsewhere
from trunkline.model.ids import ExternalId, reference
from trunkline.model.ledger import LedgerEntry, NumberOwner
from trunkline.model.number_leaving import NUMBER, UNASSIGN_CALLS, LeftNumber, leaving_steps
from trunkline.model.observed import CarrierNumber, PlatformNumber
from trunkline.model.own_routing import (
    DRAINING,
    ROUTE,
    STATUS_URL,
    OwnAddresses,
    address_changes,
    agents_of,
    comes_to_us,
    table_changes,
    table_of,
)
from trunkline.model.planner import plan_digest
from trunkline.model.plans import (
    SET_BY_PLATFORM,
    Action,
    Change,
    ChangeOrigin,
    Obstacle,
    Plan,
    Step,
)
from trunkline.model.routes import Route, effective_route, mismatch

AGENT = "agent"
"""The path under which a number's plan and ledger row name the agent's id."""
BRANCH = "branch"
VOICE_URL = "voice_url"
FALLBACK_URL = "voice_fallback_url"

FALLBACK_ROUTE = "/v1/webhooks/twilio/voice/fallback"
"""Where a carrier asks us what to do with a call that nothing of ours answered."""

IMPORT_CALLS = 2
"""The list of the platform's numbers, then the import."""
ASSIGN_CALLS = 2
"""The assignment, whose answer is the new state, then the telephony account's voice URL."""
CARRIER_CALLS = 1
"""The write, whose answer is the new state."""


def fallback_url(public_url: str | None, desired: DesiredNumber) -> str | None:
    """The address at which Trunkline answers for a number; None if carriers cannot reach us."""
    if not public_url or desired.fallback_number is None:
        return None
    place = f"{desired.project}/{desired.environment}/{desired.name}"
    return f"{public_url.rstrip('/')}{FALLBACK_ROUTE}/{place}"


def plan_number(
    desired: DesiredNumber,
    *,
    agent_external_id: ExternalId | None,
    platform: PlatformNumber | None,
    carrier: CarrierNumber | None,
    entry: LedgerEntry | None,
    native_url_ok: bool,
    managed_agent_ids: Collection[str],
    agent_planned: bool = False,
    agent_ready: bool = True,
    owner: NumberOwner | None = None,
    answer_url: str | None = None,
    off_duty: str = "",
    contested: str = "",
    unreleased: Obstacle | None = None,
    own: OwnAddresses | None = None,
    draining: str = "",
    left: Collection[LeftNumber] = (),
) -> Plan:
    """Import, assign, unassign, relink, or set the carrier's addresses.

    ``agent_external_id`` is the wished agent's id, None if it has none yet; ``agent_planned``
    says that the same plan creates it, ``agent_ready`` that it is on the platform right now.
    ``native_url_ok``: the carrier's voice URL is the voice platform's. ``managed_agent_ids``:
    agents Trunkline looks after in that account. ``owner``: whose wish the number follows, None if
    nobody's yet. ``answer_url``: where we answer for the number's fallback. ``off_duty``: why the
    agent Git names takes no calls for now. ``contested``: why another wish may have the number.
    ``unreleased``: why the number may not be given to its agent yet. ``own``: what the carrier is
    told where calls come to us, None if it cannot reach us. ``draining``: whose running calls a
    move waits for. ``left``: numbers this name had before; they are cleared once this is in place.
    """
    if off_duty and not comes_to_us(desired):
        desired, agent_external_id = desired.model_copy(update={"agent": None}), None
    view = _View(
        desired=desired,
        wanted=agent_external_id,
        platform=platform,
        carrier=carrier,
        entry=entry,
        native_url_ok=native_url_ok,
        answer_url=answer_url,
        own=own,
    )
    obstacle = _claimed(view, owner, contested) or _obstacle(
        view,
        agent_planned=agent_planned,
        agent_ready=agent_ready or (bool(off_duty) and comes_to_us(desired)),
    )
    notes = [f"{view.label}: {off_duty}"] if off_duty else []
    obstacle = obstacle or _taken(view, view.taken(managed_agent_ids), notes)
    free = view.takes_calls or not view.taken(managed_agent_ids)
    steps = view.steps(notes) if obstacle is None and free else []
    steps += [] if obstacle else leaving_steps(desired.name, left)
    waits = obstacle is not None and obstacle.waiting and not contested
    if unreleased is not None and desired.agent and (waits or any(map(gives_away, steps))):
        obstacle, steps = unreleased, []
    if draining and obstacle is None and any(map(hands_over, steps)):
        obstacle, steps = _draining(view, draining), []
    notes.extend(view.without_fallback())
    return Plan(
        project=desired.project,
        environment=desired.environment,
        digest=plan_digest(steps, None),
        parts={f"number/{desired.name}": ""},
        steps=tuple(steps),
        obstacles=(obstacle,) if obstacle else (),
        notes=tuple(notes),
        unchanged=0 if steps or obstacle else 1,
    )


def hands_over(step: Step) -> bool:
    """True if the step gives the number to an agent, and may take it from another."""
    return gives_away(step) and step.action == "assign"


def gives_away(step: Step) -> bool:
    """True if the step gives the number to another agent than it had, or to none."""
    return moves_calls(step) and any(
        change.path == AGENT and change.origin == "git" for change in step.changes
    )


def moves_calls(step: Step) -> bool:
    """True if the step changes which agent the number leads to, whoever wants that."""
    return step.subject == "number" and step.action in ("assign", "unassign")


def is_owner(desired: DesiredNumber, owner: NumberOwner) -> bool:
    """True if the number follows this very wish."""
    place = (desired.project, desired.environment, desired.name)
    return place == (owner.project, owner.environment, owner.name)


def owned_elsewhere(name: str, owner: NumberOwner) -> NumberOwnedElsewhere:
    """What to tell a wish for a number that follows another wish."""
    return NumberOwnedElsewhere(
        f"number {name} ({owner.number}) is owned by number {owner.name} of project"
        f" {owner.project}, environment {owner.environment}",
        hint="Remove it there, and it is taken over here; or give this one another number.",
    )


def number_applied(
    agent_external_id: ExternalId | None, *, voice_url: str = "", voice_fallback_url: str = ""
) -> dict[str, Json]:
    """What the ledger remembers of a number: its agent, and the carrier's addresses that are ours
    (a voice URL only while its calls go to the fallback).
    """
    ours = {VOICE_URL: voice_url, FALLBACK_URL: voice_fallback_url}
    return {AGENT: agent_external_id, **{path: url for path, url in ours.items() if url}}


def _claimed(view: "_View", owner: NumberOwner | None, contested: str) -> Obstacle | None:
    """Somebody else has the number, or may have it."""
    if owner is not None and not is_owner(view.desired, owner):
        error = owned_elsewhere(view.desired.name, owner)
        return Obstacle(reason=error.reason, message=f"{error.message}; {error.hint}")
    if contested:
        words = f"{view.label}: {contested}"
        return Obstacle(reason=NumberOwnedElsewhere.reason, message=words, waiting=True)
    return None


def _taken(view: "_View", taken: str, notes: list[str]) -> Obstacle | None:
    """Somebody has the number whom we may not take it from; what is no obstacle is noted."""
    if taken and view.takes_calls and not view.desired.takeover:
        words = f"{taken}; set takeover: true to take it, or unassign it there"
        return Obstacle(reason="NumberTaken", message=words)
    if taken:
        notes.append(f"{taken}; takeover is allowed" if view.takes_calls else taken)
    return None


def _draining(view: "_View", words: str) -> Obstacle:
    return Obstacle(reason=DRAINING, message=f"{view.label}: {words}", waiting=True)


def _obstacle(view: "_View", *, agent_planned: bool, agent_ready: bool) -> Obstacle | None:
    desired, label = view.desired, view.label
    if comes_to_us(desired) and view.own is None:
        return Obstacle(
            reason="PublicUrlMissing",
            message=f"{label}: routing {desired.routing} needs an address at which carriers reach"
            " this installation: set TRUNKLINE_PUBLIC_URL for workers and API servers",
        )
    if view.carrier is None:
        return Obstacle(
            reason="NumberNotInAccount",
            message=f"{label} is not in the environment's telephony account;"
            " buy it there or name the account that holds it",
        )
    if not view.takes_calls:
        return None
    wrong = mismatch(view.route, view.wanted or ExternalId(""), own=comes_to_us(desired))
    if wrong is not None and not wrong.ours:
        return Obstacle(reason="RouteShadowed", message=f"{label}: {wrong.message}; {wrong.remedy}")
    ready = agent_planned or (view.wanted is not None and agent_ready)
    return None if ready or not view.is_handed_over else _not_ready(view)


def _not_ready(view: "_View") -> Obstacle:
    missing = "is not on the platform yet" if view.wanted is None else "is not on the platform"
    return Obstacle(
        reason="DependencyNotReady",
        message=f"{view.label} waits for agent {view.desired.agent}, which {missing}",
        waiting=True,
    )


@dataclass(frozen=True, slots=True)
class _View:
    """One number's corners side by side; ``wanted`` is the id of the agent it is to reach."""

    desired: DesiredNumber
    wanted: ExternalId | None
    platform: PlatformNumber | None
    carrier: CarrierNumber | None
    entry: LedgerEntry | None
    native_url_ok: bool
    answer_url: str | None
    own: OwnAddresses | None = None

    @property
    def takes_calls(self) -> bool:
        """True if calls are to come somewhere: to the agent, or to us."""
        return self.desired.agent is not None or comes_to_us(self.desired)

    @property
    def is_handed_over(self) -> bool:
        """False if there is no agent, or those that are to have the calls have them already, by our
        own table.
        """
        applied = self.entry.applied if self.entry is not None else {}
        changes = table_changes(self.desired, applied)
        moves = not comes_to_us(self.desired) or any(one.path == AGENT for one in changes)
        return self.desired.agent is not None and moves

    @property
    def label(self) -> str:
        return f"number {self.desired.name} ({self.desired.number})"

    @property
    def route(self) -> Route:
        return effective_route(
            self.carrier,
            self.platform,
            native_url=self.native_url_ok,
            fallback_url=self.answer_url,
            own_url=self.own.voice if self.own is not None else None,
            own_agents=", ".join(agents_of(table_of(self.desired))),
        )

    @property
    def holder(self) -> ExternalId | None:
        return self.platform.assigned_agent_id if self.platform is not None else None

    def taken(self, managed_agent_ids: Collection[str]) -> str:
        """Who has the number that is not ours to take it from; empty for nobody."""
        holder = self.holder
        if holder is None or holder == self.wanted or holder in managed_agent_ids:
            return ""
        return f"{self.label} is assigned to agent {holder}, which Trunkline does not manage"

    def without_fallback(self) -> list[str]:
        """Why a fallback that Git names is not set."""
        number = self.desired.fallback_number
        if number is None or self.answer_url is not None or comes_to_us(self.desired):
            return []
        return [
            (
                f"{self.label}: the fallback {number} cannot be set: Twilio asks for it at an"
                " address of ours, and TRUNKLINE_PUBLIC_URL is not set"
            )
        ]

    def steps(self, notes: list[str]) -> list[Step]:
        """What there is to do, in order."""
        if self.own is not None and comes_to_us(self.desired):
            return self.answered(self.own)
        return self.detached(notes) if self.desired.agent is None else self.attached(notes)

    def answered(self, own: OwnAddresses) -> list[Step]:
        """To our table first, the carrier's addresses then, and off the platform at last: no call
        in between finds nobody.
        """
        applied = self.entry.applied if self.entry is not None else {}
        steps: list[Step] = []
        if table := table_changes(self.desired, applied):
            who = ", ".join(agents_of(table_of(self.desired))) or "nobody"
            steps.append(self._step("assign", table, 0, f"route calls of {{}} to {who}"))
        told = address_changes(self.carrier, own, applied) if self.carrier is not None else ()
        if told:
            steps.append(self._step("update", told, CARRIER_CALLS, "have calls of {} come to us"))
        if self.platform is not None and self.holder is not None:
            ours = "drift" if ROUTE in applied else "git"
            gone = Change(operation="-", path=AGENT, old=self.holder, origin=ours)
            steps.append(self._step("unassign", (gone,), UNASSIGN_CALLS))
        return steps

    def detached(self, notes: list[str]) -> list[Step]:
        """To the fallback first and off the agent then: no call in between finds nobody."""
        steps = [*self._diverted(notes)]
        if self.platform is not None and self.holder is not None:
            was_free = self.entry is not None and AGENT in self.entry.applied
            gone = Change(
                operation="-",
                path=AGENT,
                old=self.holder,
                origin="drift" if was_free and self._applied(AGENT) is None else "git",
            )
            steps.append(self._step("unassign", (gone,), UNASSIGN_CALLS))
        return steps

    def attached(self, notes: list[str]) -> list[Step]:
        """Imported, assigned and linked, with the fallback beside it."""
        steps: list[Step] = []
        agent = self.desired.agent or ""
        wanted = self.wanted or reference("agent", agent)
        drifted: ChangeOrigin = "drift" if self._applied(AGENT) == wanted else "git"
        url = self.carrier.voice_url if self.carrier is not None else None
        if self.platform is None:
            linked = self._linked(drifted)
            number = Change(operation="+", path=NUMBER, new=self.desired.number, origin=drifted)
            steps.append(self._step("import", (number, linked), IMPORT_CALLS))
            if url and not self.native_url_ok:
                notes.append(f"{self.label}: calls go to {url} until it is imported")
        if self.holder != wanted or self._branch is not None:
            moved = [*self._moved(wanted, drifted), *self._unpinned()]
            steps.append(self._step("assign", tuple(moved), ASSIGN_CALLS))
        elif not self.native_url_ok:
            ours = url is not None and url == self._applied(VOICE_URL)
            steps.append(
                self._step("relink", (self._linked("git" if ours else "drift"),), ASSIGN_CALLS)
            )
        steps.extend(self._fallback())
        steps.extend(self._unreported())
        return steps

    @property
    def _branch(self) -> str | None:
        return self.platform.branch_id if self.platform is not None else None

    def _applied(self, path: str) -> Json:
        return self.entry.applied.get(path) if self.entry is not None else None

    def _linked(self, origin: ChangeOrigin) -> Change:
        url = self.carrier.voice_url if self.carrier is not None else None
        old = None if self.native_url_ok else url
        return Change(
            operation="~" if old else "+",
            path=VOICE_URL,
            old=old,
            new=SET_BY_PLATFORM,
            origin=origin,
        )

    def _moved(self, wanted: str, origin: ChangeOrigin) -> list[Change]:
        if self.holder == wanted:
            return []
        return [
            Change(
                operation="~" if self.holder else "+",
                path=AGENT,
                old=self.holder,
                new=wanted,
                origin=origin,
            )
        ]

    def _unpinned(self) -> list[Change]:
        if self._branch is None or self.holder != self.wanted:
            return []
        return [Change(operation="-", path=BRANCH, old=self._branch, origin="drift")]

    def _diverted(self, notes: list[str]) -> list[Step]:
        """Calls go to the fallback; what somebody else set at the carrier is left alone."""
        carrier, answer = self.carrier, self.answer_url
        if carrier is None or answer is None or carrier.voice_url == answer:
            return []
        now = self.route
        theirs = now.reaches == "url" and carrier.voice_url != self._applied(VOICE_URL)
        if now.reaches in ("trunk", "application") or (theirs and not self.desired.takeover):
            notes.append(f"{self.label}: calls go to {now.words}, which is left as it is")
            return []
        changed = Change(
            operation="~" if carrier.voice_url else "+",
            path=VOICE_URL,
            old=carrier.voice_url,
            new=answer,
            origin="drift" if self._applied(VOICE_URL) == answer else "git",
        )
        return [self._step("update", (changed,), CARRIER_CALLS, "send calls of {} to its fallback")]

    def _fallback(self) -> list[Step]:
        """The carrier's own fallback address: ours while one is wished for."""
        now = self.carrier.voice_fallback_url if self.carrier is not None else None
        applied = self._applied(FALLBACK_URL)
        if self.answer_url is not None:
            if now == self.answer_url:
                return []
            changed = Change(
                operation="~" if now else "+",
                path=FALLBACK_URL,
                old=now,
                new=self.answer_url,
                origin="drift" if applied == self.answer_url else "git",
            )
        elif applied is not None and now == applied:
            changed = Change(operation="-", path=FALLBACK_URL, old=now, origin="reset")
        else:
            return []
        return [self._step("update", (changed,), CARRIER_CALLS, "set the fallback of {}")]

    def _unreported(self) -> list[Step]:
        """Reports that came to us while calls did are not asked for any more."""
        now = self.carrier.status_callback if self.carrier is not None else None
        applied = self._applied(STATUS_URL)
        if applied is None or now != applied:
            return []
        gone = Change(operation="-", path=STATUS_URL, old=now, origin="reset")
        return [self._step("update", (gone,), CARRIER_CALLS, "have no reports of {} come to us")]

    def _step(
        self, action: Action, changes: tuple[Change, ...], calls: int, summary: str = ""
    ) -> Step:
        target = f" to agent {self.desired.agent}" if action == "assign" else ""
        words = summary.format(f"number {self.desired.number}")
        return Step(
            action=action,
            subject="number",
            name=self.desired.name,
            key=self.desired.number,
            external_id=self.platform.external_id if self.platform else None,
            changes=changes,
            calls=calls,
            summary=words or f"{action} number {self.desired.number}{target}",
        )
