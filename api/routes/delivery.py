"""How well changes reach an environment: DORA's four measures."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import ConfigDict

from api.answers import Answer
from api.parameters import EnvironmentFilter
from api.problems import problem_documents
from api.security import InstalledServices, ProjectOfCaller
from trunkline.model.delivery import Delivery
from trunkline.model.limits import DELIVERY_DAYS, DELIVERY_DAYS_MAX

router = APIRouter(
    prefix="/v1/projects/{project}",
    tags=["promotions"],
    responses=problem_documents(400, 401, 404, 409, 422, 503),
)

Days = Annotated[
    int,
    Query(ge=1, le=DELIVERY_DAYS_MAX, description="Over how many days until now"),
]


class DeliveryFiguresAnswer(Delivery, Answer):
    """Deployments, their lead times, failures and repairs. What was never measured is null."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "example": {
                "project": "acme",
                "environment": "production",
                "days": 30,
                "deployments": 12,
                "deploymentsPerDay": 0.4,
                "measured": 12,
                "leadTimeS": 5400.0,
                "failed": 1,
                "changeFailureRate": 0.0833,
                "restored": 1,
                "restoreTimeS": 640.0,
            }
        },
    )


@router.get("/dora")
async def read_delivery(
    services: InstalledServices,
    project: ProjectOfCaller,
    environment: EnvironmentFilter = None,
    days: Days = DELIVERY_DAYS,
) -> DeliveryFiguresAnswer:
    """Deployment frequency, lead time, change failure rate and time to restore of an environment
    that is promoted to; it may be left out if there is only one.
    """
    place = await services.releases.place(project, environment)
    found = await services.metrics.delivery(project, place.environment, days=days)
    return DeliveryFiguresAnswer(**found.model_dump(by_alias=False))
