"""Probes: alive, and ready with every dependency by name. No token: an orchestrator has none."""

from fastapi import APIRouter, Response

from api.answers import CheckAnswer, HealthAnswer
from api.security import InstalledServices

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> HealthAnswer:
    """The process serves requests; says nothing about what it depends on."""
    return HealthAnswer(status="ok")


@router.get("/readyz", responses={503: {"model": HealthAnswer, "description": "Not ready"}})
async def readyz(services: InstalledServices, response: Response) -> HealthAnswer:
    """Whether the store and Temporal answer; 503 names the one that does not."""
    checks = await services.health.checks()
    ready = all(check.ready for check in checks)
    if not ready:
        response.status_code = 503
    return HealthAnswer(
        status="ok" if ready else "unavailable",
        checks=tuple(CheckAnswer(name=c.name, ready=c.ready, message=c.message) for c in checks),
    )
