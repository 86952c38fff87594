"""Every exit code of the manual, against a real server."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine

import pytest

from tests.api.begun_commands import Begin
from tests.held_ports import held_port
from tests.notifications.worlds import eventually
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.records import OperationItem, OperationState

Command = Callable[..., Coroutine[None, None, tuple[int, str, str]]]
Finish = Callable[..., Awaitable[None]]


async def asked(store: PostgresStore) -> str:
    """The operation somebody asked for, as soon as there is one."""
    rows = await eventually(lambda: store.audit(limit=1), what="an operation is asked for")
    return str(rows[0].details["operation"])


@pytest.fixture
def finish(store: PostgresStore) -> Finish:
    """Ends the next sync as workers would: one item in each of the given states."""

    async def work(*states: OperationState) -> None:
        identifier = await asked(store)
        items = [
            OperationItem(environment="testing", kind="agent", name=f"agent-{number}")
            for number, _ in enumerate(states)
        ]
        await store.add_items(identifier, items)
        await store.seal_operation(identifier, "")
        for item, state in zip(items, states, strict=True):
            ended = item.model_copy(update={"state": state, "message": f"is {state}"})
            await store.finish_item(identifier, ended)

    return work


async def test_zero_when_everything_succeeded(command: Command, finish: Finish) -> None:
    (code, out, _), _ = await asyncio.gather(
        command("sync", who="operator"), finish("Succeeded", "Succeeded")
    )
    assert code == 0
    header, *rows = out.splitlines()
    assert header.split() == ["NAME", "ENV", "KIND", "RESULT", "MESSAGE"]
    assert [row.split()[3] for row in rows] == ["Succeeded", "Succeeded"]


async def test_one_when_anything_failed(command: Command, finish: Finish) -> None:
    (code, out, _), _ = await asyncio.gather(
        command("sync", who="operator"), finish("Succeeded", "Failed", "Error")
    )
    assert code == 1
    assert "is Failed" in out


async def test_three_when_it_could_not_be_found_out(command: Command, finish: Finish) -> None:
    (code, _, _), _ = await asyncio.gather(
        command("sync", who="operator"), finish("Succeeded", "Error")
    )
    assert code == 3


async def test_three_when_nobody_answers(command: Command) -> None:
    with held_port() as port:
        code, out, err = await command("status", url=f"http://127.0.0.1:{port}")
    assert (code, out) == (3, "")
    assert "does not answer" in err
    assert "TRUNKLINE_URL" in err


async def test_three_when_something_else_answers(command: Command) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        code, _, err = await command("status", url=f"http://127.0.0.1:{port}")
    assert code == 3
    assert "no Trunkline server" in err


async def test_one_when_refused_or_not_there(command: Command) -> None:
    refused, _, why = await command("sync", who="viewer")
    missing, _, what = await command("status", "nobody")
    foreign, _, _ = await command("status", who="foreign_admin")
    assert (refused, missing, foreign) == (1, 1, 1)
    assert "operator" in why
    assert "nobody" in what


async def test_five_when_it_takes_too_long(command: Command) -> None:
    code, _, err = await command("sync", "--timeout", "300ms", who="operator")
    assert code == 5
    assert "300ms" in err


async def test_no_wait_prints_the_operation(command: Command) -> None:
    code, out, _ = await command("sync", "--no-wait", who="operator")
    assert code == 0
    assert out.startswith("sync-")
    code, out, _ = await command("sync", "--no-wait", "-o", "json", who="operator")
    assert (code, json.loads(out)["state"]) == (0, "Running")


@pytest.mark.slow
async def test_a_long_sync_shows_progress_on_stderr_only(
    begin: Begin, store: PostgresStore
) -> None:
    item = OperationItem(environment="testing", kind="agent", name="slow-one")
    async with begin("sync", who="operator") as syncing:
        identifier = await asked(store)
        await store.add_items(identifier, [item])
        await syncing.until(lambda _out, err: "Syncing: 0 of 1 testing/slow-one" in err)
        assert syncing.out.read_text("utf-8") == ""
        await store.seal_operation(identifier, "")
        await store.finish_item(identifier, item.model_copy(update={"state": "Succeeded"}))
        ended = await syncing.ended()
    assert ended.code == 0, ended.err
    assert "Syncing" not in ended.out
