"""Signed news to the addresses of webhooks: sent, sent again, and spoilt on request.

An address that answers 5xx, 429 or nothing is asked again later, by the simulator's clock, unless
the webhook forbids it. The control plane can have the next news delivered twice, late or with a
signature that does not hold. What the news is about is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from simulators.clock import Clock
from simulators.elevenlabs.notices.subscriptions import Subscriptions
from simulators.elevenlabs.talks.webhooks import Webhooks
from simulators.limits import MAX_DELIVERIES, MAX_HANG_S
from simulators.wire import Json, dump_json

HEADER: Final = "ElevenLabs-Signature"
TIMEOUT_S: Final = 10.0
# Pauses before the attempts after the first one.
RETRIES_S: Final = (10.0, 60.0, 300.0)
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500
DELIVERED: Final = range(200, 300)
# Older than any receiver tolerates.
OLD_S: Final = 3_600
MAX_COPIES: Final = 10


class Seal(StrEnum):
    """What the signature of a delivery is worth."""

    VALID = "valid"
    WRONG = "wrong"
    OLD = "old"
    MISSING = "missing"


class DeliverySettings(BaseModel):
    """Body of ``POST /_sim/deliveries``: how news is delivered from now on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    copies: Annotated[int, Field(ge=1, le=MAX_COPIES)] = 1
    delay_s: Annotated[float, Field(ge=0, le=MAX_HANG_S)] = 0.0
    signature: Seal = Seal.VALID


def signed(secret: str, body: bytes, time_unix_s: int) -> str:
    """The header's value for a body sent at that time."""
    content = f"{time_unix_s}.".encode() + body
    return f"t={time_unix_s},v0={hmac.digest(secret.encode(), content, 'sha256').hex()}"


class Deliveries:
    """News on its way and what became of it."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        web: Webhooks,
        clock: Clock,
        *,
        commit: Callable[[], None],
    ) -> None:
        self._subscriptions = subscriptions
        self._web = web
        self._clock = clock
        self._commit = commit
        self._log: deque[Json] = deque(maxlen=MAX_DELIVERIES)
        self._under_way: set[asyncio.Task[None]] = set()
        self.settings = DeliverySettings()

    def describe(self) -> Json:
        """The settings and the deliveries, oldest first."""
        return {**self.settings.model_dump(mode="json"), "deliveries": list(self._log)}

    def set(self, settings: DeliverySettings) -> Json:
        """Deliver so from now on."""
        self.settings = settings
        return self.describe()

    def clear(self) -> None:
        """Deliver as at the start, and nothing of what is under way."""
        self.settings = DeliverySettings()
        self._log.clear()
        for task in self._under_way:
            task.cancel()

    async def stop(self) -> None:
        """Deliver nothing more for now."""
        tasks = list(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def send(self, webhook: Json, content: Json, *, after_s: float = 0.0) -> None:
        """Deliver this to a webhook, some time later."""
        body = dump_json(content)
        for _ in range(self.settings.copies):
            entry: Json = {
                "webhook_id": webhook["webhook_id"],
                "type": content["type"],
                "conversation_id": content["data"]["conversation_id"],
                "signature": self.settings.signature.value,
                "state": "waiting",
                "attempts": [],
            }
            self._log.append(entry)
            wait_s = after_s + self.settings.delay_s
            task = asyncio.create_task(self._delivered(dict(webhook), body, entry, wait_s))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _delivered(self, webhook: Json, body: bytes, entry: Json, wait_s: float) -> None:
        pauses = RETRIES_S if webhook["retry_enabled"] else ()
        for pause_s in (wait_s, *pauses):
            await self._clock.wait(pause_s)
            headers = self._headers(webhook, body, Seal(entry["signature"]))
            answer = await self._web.post(webhook["webhook_url"], headers, body, TIMEOUT_S)
            status = answer[0] if answer else None
            entry["attempts"].append({"time_unix_s": int(self._clock.now()), "status": status})
            if status is not None and status in DELIVERED:
                entry["state"] = "delivered"
                return
            if status is not None and status < SERVER_ERROR and status != TOO_MANY:
                break
        entry["state"] = "failed"
        self._subscriptions.failed(webhook["webhook_id"], status)
        self._commit()

    def _headers(self, webhook: Json, body: bytes, seal: Seal) -> dict[str, str]:
        now = int(self._clock.now())
        headers = {**webhook["request_headers"], "content-type": "application/json"}
        if seal is Seal.VALID:
            headers[HEADER] = signed(webhook["secret"], body, now)
        elif seal is Seal.WRONG:
            headers[HEADER] = signed(webhook["secret"][::-1], body, now)
        elif seal is Seal.OLD:
            headers[HEADER] = signed(webhook["secret"], body, now - OLD_S)
        return headers
