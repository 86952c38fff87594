"""An orchestrator learns without a token whether the process lives and what it misses."""

import httpx


async def test_a_living_process_says_so(http: httpx.AsyncClient) -> None:
    answer = await http.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


async def test_ready_means_store_and_temporal_answer(http: httpx.AsyncClient) -> None:
    answer = await http.get("/readyz")
    assert answer.status_code == 200, answer.text
    checks = {check["name"]: check["ready"] for check in answer.json()["checks"]}
    assert checks == {"store": True, "temporal": True}
