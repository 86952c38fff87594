"""Webhooks: signed deliveries to whoever asked for them, in order, with a log and redelivery.

Like both forges it does not try again by itself. Only this machine is called, whatever address a
hook names. A dialect says what a payload and its headers look like.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from typing import Protocol

import httpx

from simulators.forges.bounds import DELIVERY_TIMEOUT_S, MAX_DELIVERIES
from simulators.forges.news import Event, News
from simulators.forges.refusals import missing
from simulators.forges.space import Space
from simulators.hosts import is_this_machine
from simulators.store import Json
from simulators.trust import trust

NOT_CALLED = "this address is not on this machine"


class Speaker(Protocol):
    """What a dialect knows of deliveries."""

    def payload(self, news: News) -> Json:
        """The body of a delivery."""

    def delivery_headers(self, hook: Json, event: str, guid: str, body: bytes) -> dict[str, str]:
        """Names, ids and signature, as the forge sends them."""


class Hooks:
    """The webhooks of all repositories."""

    def __init__(self, space: Space, speaker: Speaker) -> None:
        self._space = space
        self._speaker = speaker
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._unanswered = 0
        self._worker: asyncio.Task[None] | None = None

    @property
    def pending(self) -> int:
        """Deliveries that were not answered yet."""
        return self._unanswered

    def add(self, repository: Json, *, url: str, secret: str, events: list[Event]) -> Json:
        """Have a repository's events sent to an address."""
        hook: Json = {
            "id": self._space.issue("hooks"),
            "repository": repository["full_name"],
            "url": url,
            "secret": secret,
            "events": list(events),
            "created_at": self._space.now(),
        }
        self._space.hooks.put(str(hook["id"]), hook)
        if self._space.kind == "github":
            self._deliver(hook, News("ping", repository, repository["owner"], hook=hook))
        return hook

    def remove(self, hook_id: str) -> None:
        """Send it nothing any more. Raises Refused 404."""
        if hook_id not in self._space.hooks:
            raise missing()
        self._space.hooks.drop(hook_id)

    def announce(self, news: News) -> None:
        """Send it to every hook of the repository that wants such events."""
        for hook in list(self._space.hooks):
            wanted = news.event in hook["events"] or "*" in hook["events"]
            if wanted and hook["repository"] == news.repository["full_name"]:
                self._deliver(hook, news)

    def redeliver(self, delivery_id: int) -> Json:
        """Send the same bytes again, under the same delivery id. Raises Refused 404."""
        first = self._space.deliveries.get(str(delivery_id))
        if first is None:
            raise missing()
        return self._enqueue({**first, "redelivery": True})

    def _deliver(self, hook: Json, news: News) -> None:
        body = json.dumps(self._speaker.payload(news))
        guid = str(uuid.uuid4())
        self._enqueue(
            {
                "guid": guid,
                "hook_id": hook["id"],
                "url": hook["url"],
                "event": news.event,
                "action": news.action,
                "repository": news.repository["full_name"],
                "number": news.pull["number"] if news.pull else None,
                "headers": self._speaker.delivery_headers(hook, news.event, guid, body.encode()),
                "body": body,
                "redelivery": False,
            }
        )

    def _enqueue(self, facts: Json) -> Json:
        delivery: Json = {
            **facts,
            "id": self._space.issue("deliveries"),
            "status": None,
            "error": "",
        }
        deliveries = self._space.deliveries
        deliveries.put(str(delivery["id"]), delivery)
        while len(deliveries) > MAX_DELIVERIES:
            deliveries.drop(str(next(iter(deliveries))["id"]))
        self._unanswered += 1
        self._waiting.put_nowait(str(delivery["id"]))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())
        return delivery

    async def _work(self) -> None:
        async with httpx.AsyncClient(
            trust_env=False, timeout=DELIVERY_TIMEOUT_S, verify=trust()
        ) as client:
            while True:
                delivery = self._space.deliveries.get(await self._waiting.get())
                try:
                    if delivery is not None:
                        await self._send(client, delivery)
                finally:
                    self._unanswered -= 1

    async def _send(self, client: httpx.AsyncClient, delivery: Json) -> None:
        sent = dict(delivery)
        if not is_this_machine(delivery["url"]):
            sent["error"] = NOT_CALLED
        else:
            try:
                answer = await client.post(
                    delivery["url"], content=delivery["body"].encode(), headers=delivery["headers"]
                )
                sent["status"] = answer.status_code
            except httpx.HTTPError as error:
                sent["error"] = type(error).__name__
        if str(delivery["id"]) in self._space.deliveries:
            self._space.deliveries.put(str(delivery["id"]), sent)
            self._space.store.commit()

    async def stop(self) -> None:
        """Send nothing of what is waiting."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._unanswered = 0
