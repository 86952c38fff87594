"""The budgets of accounts, kept in step between the processes that use them.

Each process divides what an account allows by the number of processes that use it right now, and
follows the others' pauses and breakers: one exchange with the store a second while it asks an
account anything, none while it does not. Without a store to share by (a plan on a laptop) each
account is paced for this process alone. If the store does not answer, the last share stays. This
is also the one place that writes how an account is into the status.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from trunkline import metrics
from trunkline.adapters.breakers import BreakerRules, Opening
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.model.budgets import (
    VENDOR_NAMES,
    AccountPlace,
    AccountReport,
    SharedAccount,
    Vendor,
    account_event,
    account_status,
)
from trunkline.model.conditions import find
from trunkline.model.errors import AccountUnavailable, RateLimited, TrunklineError
from trunkline.model.limits import (
    ACCOUNT_IDLE_S,
    PLATFORM_ACCOUNTS_MAX,
    SHARE_BEAT_S,
    SHARE_NEWS_S,
    SHARE_SILENCE_S,
)
from trunkline.ports import Budgets, Statuses

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Used:
    """An account this process uses: for whom, at which pace, and what the others know of it."""

    account: str
    vendor: Vendor
    pace: Pace
    wanted: dict[str, Rates] = field(default_factory=dict)
    places: set[AccountPlace] = field(default_factory=set)
    unchecked: set[AccountPlace] = field(default_factory=set)
    told_open: bool = False
    told_hold_s: float = 0.0
    said_open: bool = False
    exchanged: bool = False
    shared: SharedAccount | None = None

    def allow(self, project: str, rates: Rates) -> None:
        """A project's rates; the strictest of those who use the account holds."""
        if self.wanted.get(project) == rates:
            return
        self.wanted[project] = rates
        all_wanted = self.wanted.values()
        self.pace.allow(
            Rates(
                requests_per_second=min(each.requests_per_second for each in all_wanted),
                burst=min(each.burst for each in all_wanted),
                concurrency=min(each.concurrency for each in all_wanted),
            )
        )

    def report(self) -> AccountReport:
        """What the others have not heard yet."""
        opening = self.pace.opening
        report = AccountReport(account=self.account, pause_s=self.pace.paused_s)
        if opening is not None and (not self.told_open or self.told_hold_s != self.pace.hold_s):
            reason = RateLimited.reason if opening.limited else AccountUnavailable.reason
            return report.model_copy(
                update={
                    "breaker": "opened",
                    "hold_s": self.pace.hold_s,
                    "reason": reason,
                    "failures": opening.failures,
                }
            )
        if opening is None and self.told_open:
            return report.model_copy(update={"breaker": "closed"})
        return report


class AccountBudgets:
    """The paces of every account a process uses. Close it on the loop that used it."""

    def __init__(
        self,
        *,
        shared: Budgets | None = None,
        statuses: Statuses | None = None,
        breaker: BreakerRules | None = None,
    ) -> None:
        self._shared = shared
        self._statuses = statuses
        self._breaker = breaker or BreakerRules()
        self._process = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
        self._accounts: OrderedDict[str, Used] = OrderedDict()
        self._keeping: asyncio.Task[None] | None = None
        self._beating = asyncio.Lock()
        self._news = asyncio.Event()
        self._heard_at_s = -float("inf")

    def pace(self, account: str, vendor: Vendor, rates: Rates) -> Pace:
        """The one pace of an account, made at its first use."""
        return self._used(account, vendor, rates).pace

    async def use(self, account: str, place: AccountPlace, rates: Rates) -> None:
        """An environment is about to use an account, at most at the project's rates.

        When this returns, this process's share counts those who use it already.
        """
        used = self._used(account, place.vendor, rates)
        used.allow(place.project, rates)
        used.pace.used_at_s = time.monotonic()
        if place not in used.places:
            used.places.add(place)
            used.unchecked.add(place)
        if self._shared is None:
            return
        if not used.exchanged or time.monotonic() - self._heard_at_s > SHARE_SILENCE_S:
            await self._exchange()
        self._go_on()

    async def close(self) -> None:
        """Leave the accounts to the others."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        if self._shared is not None and self._accounts:
            with contextlib.suppress(TrunklineError):
                await self._shared.leave_accounts(self._process)

    def _used(self, account: str, vendor: Vendor, rates: Rates) -> Used:
        used = self._accounts.get(account)
        if used is None:
            pace = Pace(rates, vendor=VENDOR_NAMES[vendor], breaker=self._breaker)
            pace.news = self._hear
            used = self._accounts[account] = Used(account=account, vendor=vendor, pace=pace)
            while len(self._accounts) > PLATFORM_ACCOUNTS_MAX:
                self._accounts.popitem(last=False)
        self._accounts.move_to_end(account)
        return used

    def _hear(self) -> None:
        self._news.set()
        self._go_on()

    def _go_on(self) -> None:
        if self._shared is not None and (self._keeping is None or self._keeping.done()):
            self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        """Beat while any account is asked anything or is not asked because it is down."""
        while self._active():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SHARE_BEAT_S):
                    await self._news.wait()
            await asyncio.sleep(SHARE_NEWS_S if self._news.is_set() else 0)
            self._news.clear()
            await self._exchange(overdue=True)

    def _active(self) -> list[Used]:
        since_s = time.monotonic() - ACCOUNT_IDLE_S
        return [
            each
            for each in self._accounts.values()
            if each.pace.used_at_s > since_s or each.told_open != (each.pace.opening is not None)
        ]

    async def _exchange(self, *, overdue: bool = False) -> None:
        """One beat; the callers of one moment share it."""
        if self._shared is None:
            return
        asked_at_s = time.monotonic()
        async with self._beating:
            fresh = all(each.exchanged for each in self._accounts.values())
            if not overdue and fresh and self._heard_at_s >= asked_at_s:
                return
            active = self._active()
            reports = {each.account: each.report() for each in active}
            try:
                if reports:
                    heard = await self._shared.exchange_accounts(
                        self._process, list(reports.values())
                    )
                    self._follow(reports, {each.account: each for each in heard})
                for used in active:
                    await self._say(used)
            except TrunklineError as error:
                logger.warning("accounts are not shared with other workers: %s", error)
            for used in active:
                used.exchanged = True
            self._heard_at_s = time.monotonic()

    def _follow(
        self, reports: Mapping[str, AccountReport], heard: Mapping[str, SharedAccount]
    ) -> None:
        for account, report in reports.items():
            used, shared = self._accounts.get(account), heard.get(account)
            if used is None or shared is None:
                continue
            name = VENDOR_NAMES[used.vendor]
            pace = used.pace
            if report.breaker:
                used.told_open = report.breaker == "opened"
                used.told_hold_s = report.hold_s
                metrics.breaker(name, account, is_open=used.told_open, found_here=True)
            used.shared = shared
            pace.share(shared.processes, shared.rank)
            metrics.shared(name, account, shared.processes)
            if shared.pause_s > 0:
                pace.follow_pause(shared.pause_s)
            if used.told_open != (pace.opening is not None):
                continue  # found out while the store was asked: the others hear of it next
            if shared.is_open:
                limited = shared.reason == RateLimited.reason
                opening = Opening(failures=shared.failures, limited=limited)
                pace.follow_breaker(opening, hold_s=shared.hold_s)
                used.told_hold_s = pace.hold_s
            elif used.told_open:
                pace.follow_breaker(None, hold_s=0.0)
            used.told_open = shared.is_open
            metrics.breaker(name, account, is_open=shared.is_open, found_here=False)

    async def _say(self, used: Used) -> None:
        """How the account is, in every environment that uses it: written when it changes."""
        shared = used.shared
        if self._statuses is None or shared is None:
            return
        changed = shared.is_open != used.said_open
        for place in tuple(used.places if changed else used.unchecked):
            status = account_status(place, shared)
            previous = await self._statuses.status(
                place.project, place.environment, "account", place.vendor
            )
            was_open = previous is not None and find(previous.conditions, "Stalled") is not None
            if was_open or shared.is_open:
                until = datetime.now(UTC) + timedelta(seconds=shared.hold_s)
                event = account_event(status, shared, until.isoformat(timespec="seconds"))
                events = [event] if was_open != shared.is_open else []
                await self._statuses.put_status(status, events)
            used.unchecked.discard(place)
        if changed:
            log = logger.warning if shared.is_open else logger.info
            log("account %s: %s", used.account, "closed to calls" if shared.is_open else "serves")
        used.said_open = shared.is_open
