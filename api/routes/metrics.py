"""What Prometheus reads. No token, as for the probes: a scraper has none, and no name is in it.

The API's description leaves it out: it is a text format with a description of its own.
"""

from fastapi import APIRouter, Response

from api.security import InstalledServices
from trunkline.metrics import CONTENT_TYPE

router = APIRouter(tags=["health"])


@router.get("/metrics", include_in_schema=False)
async def read_metrics(services: InstalledServices) -> Response:
    """Counters of this process, and the fleet counted in the store."""
    content = await services.metrics.exposition()
    return Response(content, headers={"Content-Type": CONTENT_TYPE})
