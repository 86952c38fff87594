"""The services of numbers and live calls, wired once: they know each other, and few others do."""

from collections.abc import Mapping
from typing import Protocol, TypedDict

from activities.calls.facts import CallSituations
from activities.clocks import SystemClock
from trunkline.ports import Interventions, Ledger, Projects, Statuses, Wishes
from trunkline.ports.calls import CallOrders, Calls
from trunkline.ports.testing import ManualResults
from trunkline.services.access import AccessService
from trunkline.services.call_control import CallControlService
from trunkline.services.call_reports import CallReportService
from trunkline.services.call_routing import CallRoutingService
from trunkline.services.call_standings import CallStandings
from trunkline.services.calls import CallService
from trunkline.services.carrier_requests import CarrierRequests
from trunkline.services.doctor import Outside
from trunkline.services.engine import Engine
from trunkline.services.manual_results import ManualResultService
from trunkline.services.numbers import NumberService
from trunkline.services.outbound import OutboundService
from trunkline.services.platform_news import PlatformNewsService
from trunkline.services.projects import ProjectService
from trunkline.services.status import StatusService


class CallStore(
    Projects, Statuses, Wishes, Interventions, Ledger, Calls, CallOrders, ManualResults, Protocol
):
    """What they need of a store."""


class CallServices(TypedDict):
    """They, by their names among all services."""

    calls: CallService
    call_control: CallControlService
    call_reports: CallReportService
    call_routing: CallRoutingService
    manual_results: ManualResultService
    numbers: NumberService
    outbound: OutboundService
    platform_news: PlatformNewsService


def call_services(
    store: CallStore,
    outside: Outside | None,
    *,
    status: StatusService,
    projects: ProjectService,
    access: AccessService,
    engine: Engine,
    platform_secret: str | None = None,
    platform_secrets: Mapping[str, str] | None = None,
) -> CallServices:
    """Wire them. Without ``outside`` no carrier can prove who it is, or has an address to reach us
    at; ``platform_secrets`` are those of projects.
    """
    clock = SystemClock()
    public_url = outside.settings.public_url if outside else None
    requests = CarrierRequests(
        store,
        store,
        store,
        platforms=outside.platforms if outside else None,
        public_url=public_url,
    )
    situations = CallSituations(store, store, store, store, public_url=public_url)
    outbound = OutboundService(
        store, situations, status=status, access=access, engine=engine, clock=clock
    )
    standings = CallStandings(store, store, store, store)
    calls = CallService(store, store, access=access, engine=engine)
    routing = CallRoutingService(requests, store, store, store, standings, clock)
    return CallServices(
        calls=calls,
        call_control=CallControlService(store, store, access=access),
        call_reports=CallReportService(requests, store, clock, wake=(outbound.heard,)),
        call_routing=routing,
        manual_results=ManualResultService(store, status, access=access, calls=calls),
        numbers=NumberService(
            store,
            store,
            projects,
            routing,
            accounts=outside.accounts if outside else None,
            public_url=public_url,
            clock=clock,
        ),
        outbound=outbound,
        platform_news=PlatformNewsService(
            store,
            store,
            clock,
            secret=platform_secret,
            own_secrets=platform_secrets,
            heard=(calls.heard_from_platform,),
        ),
    )
