"""Puts together what checks of pull requests ask for: part of the worker's composition.

Apart from it for its length. Without a forge the activities are there all the same, and say so.
"""

from typing import TYPE_CHECKING, Protocol

from temporalio.client import Client

from activities.names import WORKFLOW_QUEUE
from activities.pull_requests.looking import PullRequestLooks, PullRequestViews
from activities.pull_requests.ports import Decisions, PullRequestPorts
from activities.pull_requests.sweeping import PullRequestSweeps
from activities.pull_requests.telling import PullRequestNews
from activities.types import Timing
from trunkline.model.errors import NotConfigured
from trunkline.ports import Access, Interventions, Operations, Projects, Statuses, Wishes
from trunkline.ports.forges import Forge
from trunkline.ports.releasing import EvidenceKeys, Promotions, ReleaseRecords
from trunkline.ports.testing import ManualResults
from trunkline.services.access import AccessService
from trunkline.services.comment_decisions import CommentDecisions
from trunkline.services.engine import Engine
from trunkline.services.projects import ProjectService
from trunkline.services.promotions import PromotionService
from trunkline.services.releases import ReleaseService
from trunkline.services.status import StatusService
from trunkline.telemetry import redacted

if TYPE_CHECKING:
    from trunkline.worker import WorkerPorts


class DecisionStore(
    Access,
    Interventions,
    ManualResults,
    Operations,
    Projects,
    Promotions,
    ReleaseRecords,
    Statuses,
    Wishes,
    Protocol,
):
    """What decisions by comments need of a store."""


class NoForges:
    """``Forges`` of an installation that knows none."""

    async def forge(self, project: str) -> Forge:
        """Raises NotConfigured."""
        raise NotConfigured(
            f"the repository of {project} is on no forge this server knows",
            hint="Set TRUNKLINE_FORGE_URL and a token; see docs/forges.md",
        )


def comment_decisions(
    store: DecisionStore,
    client: Client,
    keys: EvidenceKeys,
    *,
    live: bool = False,
    timing: Timing | None = None,
) -> Decisions:
    """Promotions and approvals by comments, by the rules of the API."""
    engine = Engine(client, task_queue=WORKFLOW_QUEUE, timing=timing or Timing())
    access = AccessService(store)
    status = StatusService(store)
    projects = ProjectService(
        store, store, store, access=access, engine=engine, sources=None, live=live
    )
    service = PromotionService(
        store,
        ReleaseService(store, status=status, projects=projects),
        status,
        projects=store,
        wishes=store,
        interventions=store,
        manual_results=store,
        access=access,
        engine=engine,
        public_key=keys.public_key,
    )
    return CommentDecisions(service, store)


def pull_request_rooms(ports: "WorkerPorts", client: Client) -> tuple[object, ...]:
    """The activities of pull requests."""
    asked = PullRequestPorts(
        access=ports.access,
        accounts=ports.accounts,
        clock=ports.clock,
        forges=ports.forges or NoForges(),
        holdings=ports.tests,
        operations=ports.operations,
        projects=ports.projects,
        pulls=ports.pull_requests,
        reports=ports.tests,
        sources=ports.sources,
        wishes=ports.wishes,
        decisions=ports.decisions,
        people=ports.forge_people,
        public_url=ports.public_url,
        redact=redacted,
    )
    views = PullRequestViews(asked)
    return (
        PullRequestLooks(asked, views),
        PullRequestNews(asked, views, ports.statuses),
        PullRequestSweeps(asked, client, ports.review_pace),
    )
