"""Every service of one installation, wired once for whoever offers them to people."""

from dataclasses import dataclass
from typing import Protocol

from temporalio.client import Client

from activities.types import WORKFLOW_QUEUE, Timing
from trunkline.ports import Access, Operations, Projects, Statuses, Wishes
from trunkline.services.access import AccessService
from trunkline.services.engine import Engine
from trunkline.services.health import Checkable, HealthService
from trunkline.services.operations import OperationService
from trunkline.services.projects import ProjectService
from trunkline.services.status import StatusService
from trunkline.services.webhooks import WebhookService


class Store(Access, Checkable, Operations, Projects, Statuses, Wishes, Protocol):
    """What services need of a store."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything people can ask for."""

    access: AccessService
    health: HealthService
    operations: OperationService
    projects: ProjectService
    status: StatusService
    webhooks: WebhookService


def build_services(
    store: Store,
    client: Client,
    *,
    task_queue: str = WORKFLOW_QUEUE,
    timing: Timing | None = None,
    webhook_secret: str | None = None,
) -> Services:
    """Wire the services. ``client`` must use the pydantic data converter, as workers do."""
    engine = Engine(client, task_queue=task_queue, timing=timing or Timing())
    access = AccessService(store)
    projects = ProjectService(store, store, engine)
    return Services(
        access=access,
        health=HealthService(store, engine),
        operations=OperationService(
            store, store, store, projects=projects, access=access, engine=engine
        ),
        projects=projects,
        status=StatusService(store),
        webhooks=WebhookService(store, access, engine, secret=webhook_secret),
    )
