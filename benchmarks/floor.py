"""``python -m benchmarks.floor``: the least an answer over HTTP out of PostgreSQL can be.

The same framework, the same server, the same driver and the same rows as the API, and nothing else:
no token, no project, no rights, no models. DATABASE_URL names the store.
"""

import argparse
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from trunkline.listening import LOOPBACK
from trunkline.model.limits import STORE_CONNECTIONS_MAX

_ONE = """
SELECT status FROM statuses
WHERE project = %s AND kind = 'agent' AND name = %s AND environment = %s
"""
_PAGE = """
SELECT status FROM statuses WHERE project = %s AND (kind, name) > ('agent', %s)
ORDER BY kind, name, environment LIMIT %s
"""


def create_floor(database_url: str) -> FastAPI:
    """An application with one SELECT behind each of its two paths."""
    pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
        database_url,
        min_size=1,
        max_size=STORE_CONNECTIONS_MAX,
        kwargs={"autocommit": True, "row_factory": dict_row},
        open=False,
    )

    @asynccontextmanager
    async def connected(_: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(openapi_url=None, lifespan=connected)

    async def read(statement: str, values: tuple[object, ...]) -> list[DictRow]:
        async with pool.connection() as connection:
            return await (await connection.execute(statement, values)).fetchall()

    @app.get("/agents/{name}")
    async def one(project: str, name: str, environment: str) -> JSONResponse:
        return JSONResponse((await read(_ONE, (project, name, environment)))[0]["status"])

    @app.get("/agents")
    async def page(project: str, after: str, limit: int) -> JSONResponse:
        rows = await read(_PAGE, (project, after, limit))
        return JSONResponse({"items": [row["status"] for row in rows]})

    return app


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floor", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    app = create_floor(os.environ["DATABASE_URL"])
    uvicorn.run(app, host=LOOPBACK, port=port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
