"""What Prometheus reads. No token, as for the probes: a scraper has none, and no name is in it.

The API's description leaves it out: it is a text format with a description of its own.
"""

from fastapi import APIRouter, Request, Response

from api.security import InstalledServices

router = APIRouter(tags=["health"])


@router.get("/metrics", include_in_schema=False)
async def read_metrics(services: InstalledServices, request: Request) -> Response:
    """Counters of this process, and the fleet counted in the store."""
    accepted = request.headers.get("accept", "")
    content, content_type = await services.metrics.exposition(accepted)
    return Response(content, headers={"Content-Type": content_type})
