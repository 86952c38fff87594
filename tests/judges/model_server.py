"""A model on this machine that speaks the public chat-completions protocol, strictly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

KEY = "sk-that-nobody-may-see"
MODEL = "judge-model"
Body = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What the server does about a chat: an answer of the model, or trouble."""

    content: str | None = '{"agrees": true, "reason": "she says so"}'
    refusal: str | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    silent: bool = False
    tokens: int | None = 120


@dataclass
class ModelServer:
    """Chats it was given, and what it says to them; refuses what the protocol does not allow."""

    url: str = ""
    chats: list[Body] = field(default_factory=list)
    say: Callable[[Body], Told] = lambda _chat: Told()
    known: frozenset[str] = frozenset(
        {"model", "messages", "temperature", "response_format", "seed", "max_tokens"}
    )

    def tells(self, *answers: Told) -> None:
        """One answer after another; the last one stays."""
        waiting = list(answers)
        self.say = lambda _chat: waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def problem(self, method: str, path: str, headers: dict[str, str], chat: Body) -> str:
        """Why a request is none of the protocol; empty if it is one."""
        messages = chat.get("messages", [])
        roles = {message.get("role") for message in messages}
        structured = chat.get("response_format") == {"type": "json_object"}
        unknown = sorted(set(chat) - self.known)
        problems = {
            f"no such route: {method} {path}": (method, path) != ("POST", "/v1/chat/completions"),
            "Incorrect API key provided": headers.get("authorization") != f"Bearer {KEY}",
            "the body must be JSON": headers.get("content-type") != "application/json",
            f"Unsupported parameter: {unknown[:1]}": bool(unknown),
            "Invalid value for messages": not roles or not roles <= {"system", "user", "assistant"},
            "'messages' must contain the word 'json' to use response_format": structured
            and not any("json" in message["content"].lower() for message in messages),
        }
        return next((words for words, wrong in problems.items() if wrong), "")


def completion(told: Told, model: str) -> bytes:
    """An answer as the protocol has it."""
    message = {"role": "assistant", "content": told.content, "refusal": told.refusal}
    body: Body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    if told.tokens is not None:
        asked = told.tokens - 20
        body["usage"] = {
            "prompt_tokens": asked,
            "completion_tokens": 20,
            "total_tokens": told.tokens,
        }
    return json.dumps(body).encode()


async def _serve(
    server: ModelServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    method, path, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    chat = json.loads(await reader.readexactly(int(headers["content-length"])))
    problem = server.problem(method, path, headers, chat)
    if problem:
        status = 401 if "API key" in problem else 400
        error = {"message": problem, "type": "invalid_request_error", "param": None, "code": None}
        _answer(writer, status, {}, json.dumps({"error": error}).encode())
    else:
        server.chats.append(chat)
        told = server.say(chat)
        if told.silent:
            return
        content = told.raw if told.raw is not None else completion(told, chat["model"])
        if told.status >= 400 and told.raw is None:
            content = json.dumps({"error": {"message": told.content, "type": "server"}}).encode()
        _answer(writer, told.status, told.headers, content)
    await writer.drain()
    writer.close()


def _answer(
    writer: asyncio.StreamWriter, status: int, headers: dict[str, str], content: bytes
) -> None:
    head = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(content)}", "Connection: close"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + content)


@asynccontextmanager
async def serving() -> AsyncIterator[ModelServer]:
    """A model on a free port, until the block ends."""
    made = ModelServer()
    open_ones: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        await _serve(made, reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield made
    finally:
        server.close()
        for writer in open_ones:
            writer.transport.abort()
