"""The worker of a process: Temporal's task queues, served with every port the activities need.

Apart from the API server because neither needs the other's libraries, and a process pays for what
it imports.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import NoReturn

from activities.clocks import SystemClock
from trunkline.bootstrap import (
    ProjectSources,
    accounts,
    connections,
    evidence_keys,
    judge_of,
    review_pace,
    run,
    studio,
    timing,
)
from trunkline.forges import project_forges
from trunkline.model.testing.costs import TestRates
from trunkline.notifying import notifier, tell, tells
from trunkline.observing import metrics_endpoint, temporal_runtime
from trunkline.reviewing import comment_decisions
from trunkline.settings import Settings
from trunkline.worker import WorkerPorts, build_workers, ensure_search_attributes

logger = logging.getLogger(__name__)


def run_worker(settings: Settings, *, queues: Sequence[str] = ()) -> NoReturn:
    """Work until SIGINT or SIGTERM; ``queues`` empty means all of them.

    Raises Blocked, InvalidSettings, EngineUnavailable.
    """
    settings.require_providers()
    settings.database()
    evidence_keys(settings)
    settings.require_forge()
    notifier(settings)
    run(
        settings,
        lambda stopping: _work(settings, stopping, queues=queues),
        service="trunkline-worker",
    )


def _rates(settings: Settings) -> TestRates:
    """What a judge of one's own costs; the one that is built in costs nothing."""
    price = settings.judge_price if settings.judge_url else 0.0
    return TestRates(judge_million_tokens_usd=price)


async def _work(settings: Settings, stopping: asyncio.Event, *, queues: Sequence[str]) -> None:
    async with AsyncExitStack() as parts:
        port = settings.metrics_port
        observed = temporal_runtime(counting=port is not None)
        if port is not None:
            endpoint = metrics_endpoint(settings.metrics_host, port, sdk_url=observed.metrics_url)
            await parts.enter_async_context(endpoint)
        held = await parts.enter_async_context(
            connections(settings, stopping=stopping, runtime=observed.runtime)
        )
        store = held.store
        judges = await parts.enter_async_context(judge_of(settings, answers=store))
        forges = await parts.enter_async_context(project_forges(settings, store))
        async with accounts(settings, store.project_manifest, shared=store) as vendors:
            sources = ProjectSources(settings, store, store)
            ports = WorkerPorts(
                sources=sources,
                repositories=sources,
                projects=store,
                wishes=store,
                ledger=store,
                statuses=store,
                operations=store,
                interventions=store,
                deletions=store,
                looks=store,
                releases=store,
                promotions=store,
                access=store,
                ejections=store,
                accounts=vendors,
                clock=SystemClock(),
                tests=store,
                judges=judges,
                notifications=store,
                pull_requests=store,
                calls=store,
                carriers=vendors,
                natives=vendors,
                notifier=notifier(settings),
                studio=studio,
                rates=_rates(settings),
                public_url=settings.public_url,
                keys=evidence_keys(settings),
                review_pace=review_pace(settings),
                sticky_timeout=settings.sticky_timeout,
                forges=forges,
                forge_people=settings.forge_people,
                decisions=comment_decisions(
                    store,
                    held.client,
                    evidence_keys(settings),
                    live=settings.live,
                    timing=timing(settings),
                ),
            )
            workers = build_workers(held.client, ports, queues=queues)
            await ensure_search_attributes(held.client)
            logger.info("working on %s", ", ".join(worker.task_queue for worker in workers))
            async with asyncio.TaskGroup() as group:
                for worker in workers:
                    group.create_task(worker.run())
                if tells(queues):
                    group.create_task(tell(settings, store, held.client, stopping))
                await stopping.wait()
                for worker in workers:
                    group.create_task(worker.shutdown())
