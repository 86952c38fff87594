"""An orchestrator learns without a token whether the process lives and what it misses."""

import httpx

from tests.notifications.worlds import eventually


async def test_a_living_process_says_so(http: httpx.AsyncClient) -> None:
    answer = await http.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


async def test_ready_means_store_and_temporal_answer(http: httpx.AsyncClient) -> None:
    """Each has two or three seconds to answer: one that is slow is not ready then, and soon is."""

    async def ready() -> httpx.Response | None:
        answer = await http.get("/readyz")
        return answer if answer.status_code == 200 else None

    answer = await eventually(ready, what="store and Temporal are ready")
    checks = {check["name"]: check["ready"] for check in answer.json()["checks"]}
    assert checks == {"store": True, "temporal": True}
