"""The phone numbers of a project's accounts: which there are, who has them, where calls go.

Read from both platforms at the moment somebody asks, beside what Git wishes for; nothing is written
and nothing kept. An account that cannot be read is a problem that is told with the answer, and its
numbers are not said to be free.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from activities.concurrency import each
from trunkline.model import limits
from trunkline.model.calls.addresses import VOICE_ROUTE, number_address, public_address
from trunkline.model.calls.routing import CallFacts, Decision
from trunkline.model.calls.signed import SignedRequest
from trunkline.model.desired import DesiredNumber
from trunkline.model.errors import (
    Forbidden,
    NotConfigured,
    NotFound,
    PlatformError,
    TrunklineError,
)
from trunkline.model.ids import OWNER_PREFIX, ExternalId
from trunkline.model.number_inventory import (
    NumberLine,
    RouteReport,
    SeenNumber,
    line_of,
    report_of,
)
from trunkline.model.number_planner import fallback_url
from trunkline.model.observed import CarrierNumber, PlatformNumber
from trunkline.model.own_routing import comes_to_us
from trunkline.model.records import StatusRow, WishRecord
from trunkline.ports import Accounts, Clock, Statuses, Telephony, VoicePlatform, Wishes
from trunkline.services.call_routing import CallRoutingService
from trunkline.services.caller_languages import country_of, languages_of
from trunkline.services.pages import Page, key_cursor, parse_key
from trunkline.services.projects import ProjectService

UNSIGNED = "The request was not signed by the telephony account of the number"


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """One number, and its status row if a manifest of any project names it."""

    line: NumberLine
    status: StatusRow | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """A page of the inventory; ``problems`` name what could not be read."""

    page: Page[InventoryRow]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A call somebody wonders about: when (None is now), from whom, and what a menu found out.

    ``call_id`` is a carrier's id of a call, for lines that take a share.
    """

    at: datetime | None = None
    caller: str = ""
    language: str = ""
    skill: str = ""
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class _Account:
    """Both platforms of one or more environments, read once."""

    voice: VoicePlatform
    telephony: Telephony
    carrier: dict[str, CarrierNumber]
    platform: dict[str, PlatformNumber]
    owners: dict[str, str]
    environments: list[str] = field(default_factory=list)


class NumberService:
    """Numbers of one installation. Without ``accounts`` nothing can be read from the platforms."""

    def __init__(
        self,
        wishes: Wishes,
        statuses: Statuses,
        projects: ProjectService,
        routing: CallRoutingService,
        *,
        accounts: Accounts | None,
        public_url: str | None,
        clock: Clock,
    ) -> None:
        self._wishes = wishes
        self._statuses = statuses
        self._projects = projects
        self._routing = routing
        self._accounts = accounts
        self._public_url = public_url
        self._clock = clock

    async def inventory(
        self,
        project: str,
        *,
        environment: str | None = None,
        cursor: str | None = None,
        limit: int = limits.API_PAGE_DEFAULT,
    ) -> Inventory:
        """Every number of the project's accounts and every number its manifests name, in order.

        Raises NotConfigured if this server has no accounts.
        """
        accounts, problems = await self._read(project, environment)
        seen = await self._seen(project, environment, accounts)
        after = parse_key(cursor)
        listed = sorted((one for one in seen if one.number > after), key=lambda one: one.number)
        rows = await each(
            lambda one: self._row(project, one, accounts),
            listed[:limit],
            concurrent=limits.SWEEP_READS_CONCURRENT,
        )
        more = key_cursor(listed[limit - 1].number) if len(listed) > limit else None
        return Inventory(Page(tuple(rows), more), tuple(problems))

    async def route(self, project: str, number: str) -> RouteReport:
        """Where calls to a number go, by its E.164 or its manifest's name, layer by layer.

        Raises NotFound, NotConfigured, and what an account raised that may have it.
        """
        accounts, problems = await self._read(project, None)
        for one in await self._seen(project, None, accounts):
            if number in (one.number, one.wish.name if one.wish is not None else None):
                return report_of(await self._with_agent(one, accounts))
        unread = f"; {'; '.join(problems)}" if problems else ""
        raise NotFound(
            f"There is no number {number!r} in the accounts of project {project!r}{unread}",
            hint="`trunkline numbers list` shows all of them",
        )

    async def call_route(
        self, project: str, number: str, asked: AskedCall
    ) -> tuple[datetime, Decision] | None:
        """Who would take a call, line by line; nothing is called, written or remembered.

        None for a number whose calls do not come to us. Raises NotFound.
        """
        for record in (await self._wished(project, None)).values():
            desired = DesiredNumber.model_validate(record.body)
            if number in (desired.number, desired.name):
                return await self._decided(desired, asked) if comes_to_us(desired) else None
        return None

    async def _decided(self, desired: DesiredNumber, asked: AskedCall) -> tuple[datetime, Decision]:
        in_force = await self._routing.number_in_force(desired)
        country = "" if asked.language else country_of(asked.caller)
        facts = CallFacts(
            caller=asked.caller,
            call_id=asked.call_id,
            languages=(asked.language,) if asked.language else languages_of(country),
            of_country=country,
            skill=asked.skill or in_force.skill,
        )
        at = asked.at or self._clock.now()
        decision, _ = await self._routing.decision(in_force, facts, at)
        return at, decision

    async def fallback(
        self, project: str, environment: str, name: str, *, request: SignedRequest
    ) -> str:
        """What to answer a carrier whose call nothing of ours took.

        Raises NotFound, NotConfigured, InvalidInput, Forbidden unless the carrier's account signed
        the request; whoever cannot sign learns nothing of which numbers there are.
        """
        if self._accounts is None or not self._public_url:
            raise NotConfigured(
                "This server does not answer carriers",
                hint="Set TRUNKLINE_PUBLIC_URL to the address at which it can be reached",
            )
        record = await self._wishes.wish(project, environment, "number", name)
        if record is None or record.removed:
            raise Forbidden(UNSIGNED)
        desired = DesiredNumber.model_validate(record.body)
        telephony = await self._accounts.telephony(project, environment)
        url = public_address(self._public_url, request.target)
        if not telephony.is_signed(request, url):
            raise Forbidden(UNSIGNED)
        if desired.fallback_number is None:
            raise NotFound(f"Number {name!r} has no fallback any more")
        return telephony.forward_answer(desired.fallback_number)

    async def _read(
        self, project: str, environment: str | None
    ) -> tuple[list[_Account], list[str]]:
        """Each account once, however many environments use it."""
        if self._accounts is None:
            raise NotConfigured(
                "This server has no accounts to read numbers from",
                hint="Give it the variables the Project manifest names under spec.accounts",
            )
        found: dict[tuple[str, str], _Account] = {}
        problems: list[str] = []
        for known in await self._projects.environments(project):
            if environment not in (None, known.name):
                continue
            try:
                voice = await self._accounts.voice(project, known.name)
                telephony = await self._accounts.telephony(project, known.name)
                place = (voice.account, telephony.account)
                if place not in found:
                    found[place] = await self._account(voice, telephony)
                found[place].environments.append(known.name)
            except TrunklineError as error:
                problems.append(f"{known.name}: {error.message}")
        return list(found.values()), problems

    async def _account(self, voice: VoicePlatform, telephony: Telephony) -> _Account:
        owners = await self._wishes.number_owners(telephony.account)
        return _Account(
            voice=voice,
            telephony=telephony,
            carrier={each.number: each for each in await telephony.numbers()},
            platform={each.number: each for each in await voice.numbers()},
            owners={o.number: f"{o.project}/{o.environment}/{o.name}" for o in owners},
        )

    async def _seen(
        self, project: str, environment: str | None, accounts: Sequence[_Account]
    ) -> list[SeenNumber]:
        own = await self._wished(project, environment)
        listed = {number for one in accounts for number in (*one.carrier, *one.platform)}
        wished = await self._wishes.wishes_for_numbers(sorted({*listed, *own}))
        by_number = {
            number: [DesiredNumber.model_validate(record.body) for record in records]
            for number, records in groupby(wished, key=lambda record: str(record.body["number"]))
        }
        found: dict[str, SeenNumber] = {}
        for account in accounts:
            for number in {*account.carrier, *account.platform}:
                one = self._joined(number, account, by_number.get(number, []))
                if number not in found or one.carrier is not None:
                    found[number] = one
        for number in set(own) - found.keys():
            wishes = by_number.get(number, [])
            first = next((w for w in wishes if w.project == project), None)
            others = tuple(wish for wish in wishes if wish != first)
            readable = any(
                first is not None and first.environment in one.environments for one in accounts
            )
            found[number] = SeenNumber(number=number, wish=first, contenders=others, seen=readable)
        return list(found.values())

    def _joined(
        self, number: str, account: _Account, wishes: Sequence[DesiredNumber]
    ) -> SeenNumber:
        carrier = account.carrier.get(number)
        owner = account.owners.get(number, "")
        wish = next((w for w in wishes if f"{w.project}/{w.environment}/{w.name}" == owner), None)
        wish = wish or next(iter(wishes), None)
        return SeenNumber(
            number=number,
            carrier=carrier,
            platform=account.platform.get(number),
            native_url=carrier is not None and account.voice.is_native_voice_url(carrier.voice_url),
            wish=wish,
            contenders=tuple(other for other in wishes if other != wish),
            answer_url=fallback_url(self._public_url, wish) if wish is not None else None,
            own_url=self._own_url(wish),
        )

    def _own_url(self, wish: DesiredNumber | None) -> str | None:
        """Where carriers ask us about calls of a number that are to come to us."""
        if wish is None or not self._public_url or not comes_to_us(wish):
            return None
        return number_address(self._public_url, VOICE_ROUTE, wish)

    async def _wished(self, project: str, environment: str | None) -> dict[str, WishRecord]:
        """The project's own standing wishes for numbers, by number."""
        found: dict[str, WishRecord] = {}
        for known in await self._projects.environments(project):
            if environment not in (None, known.name):
                continue
            after = f"{known.name}/number/"
            while batch := await self._wishes.wishes(
                project, known.name, after=after, limit=limits.SIGNAL_BATCH_SIZE
            ):
                standing = [r for r in batch if r.kind == "number" and not r.removed]
                found.update({str(record.body["number"]): record for record in standing})
                after = f"{known.name}/{batch[-1].kind}/{batch[-1].name}"
        return found

    async def _row(
        self, project: str, one: SeenNumber, accounts: Sequence[_Account]
    ) -> InventoryRow:
        line = line_of(await self._with_agent(one, accounts))
        if one.wish is None or one.wish.project != project:
            return InventoryRow(line)
        wish = one.wish
        status = await self._statuses.status(project, wish.environment, "number", wish.name)
        return InventoryRow(line, status)

    async def _with_agent(self, one: SeenNumber, accounts: Sequence[_Account]) -> SeenNumber:
        """With the id of the agent Git names, or the mark of the agent it is assigned to."""
        wish = one.wish
        if wish is not None:
            if wish.agent is None:
                return one
            row = await self._statuses.status(wish.project, wish.environment, "agent", wish.agent)
            return one.model_copy(update={"agent_external_id": row.external_id if row else None})
        holder = one.platform.assigned_agent_id if one.platform is not None else None
        voice = next((a.voice for a in accounts if one.number in a.platform), None)
        if holder is None or voice is None:
            return one
        return one.model_copy(update={"keeper": await _mark(voice, holder)})


async def _mark(voice: VoicePlatform, agent_id: ExternalId) -> str:
    """``project/environment/agent`` an agent is marked with; empty if it is not, or unreadable."""
    try:
        observed = await voice.agent(agent_id)
    except PlatformError:
        return ""
    return _first(tag for tag in observed.tags if tag.startswith(OWNER_PREFIX))


def _first(marks: Iterable[str]) -> str:
    return next((mark.removeprefix(OWNER_PREFIX) for mark in marks), "")
