"""News of the voice platform about its conversations: signed with a time, believed for a while.

Nothing in them is taken over: a transcript is read from the platform itself, where it can be read
again. So news is a reason to look, and a forged one would only have us look.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from trunkline.model.base import Json, JsonObject
from trunkline.model.calls.limits import CLOCK_AHEAD_MAX_S, SIGNATURE_AGE_MAX_S
from trunkline.model.desired import DesiredAgent, DesiredNumber
from trunkline.model.errors import Forbidden, InvalidInput, NotConfigured, Unauthenticated
from trunkline.model.ids import (
    PLATFORM_WEBHOOK_SECRET_PREFIX,
    platform_webhook_secret_variable,
)
from trunkline.ports import Clock, Wishes
from trunkline.ports.calls import Calls

AFTER_CALLS: Final = frozenset(
    {"post_call_transcription", "post_call_audio", "call_initiation_failure"}
)
BEGINNING: Final = frozenset({"caller_id", "agent_id", "called_number", "call_sid"})
"""What the platform says of a call that it is about to begin."""
UNSIGNED: Final = "The signature does not fit the body, or is too old"
_DIGITS = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_SEEN_SLACK: Final = 2

Heard = Callable[[str], Awaitable[None]]
"""Is told the id of a conversation that can be read now."""


@dataclass(frozen=True, slots=True)
class PlatformDelivery:
    """A delivery as it came: the signature's header and the body exactly as it was signed."""

    signature: str = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Proof:
    shared: bool
    owners: frozenset[str]


def signature_of(secret: str, at_s: int, body: bytes) -> str:
    """The header of a delivery: a time in seconds, and HMAC-SHA256 over it and the body.

    Source: https://elevenlabs.io/docs/overview/administration/webhooks
    """
    signed = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256)
    return f"t={at_s},v0={signed.hexdigest()}"


class PlatformNewsService:
    """Takes news; without a secret the door is closed.

    ``own_secrets`` belong to single projects, by their names in upper case with ``_`` for ``-``;
    news of such a project's calls is believed by its own secret only.
    """

    def __init__(
        self,
        calls: Calls,
        wishes: Wishes,
        clock: Clock,
        *,
        secret: str | None,
        own_secrets: Mapping[str, str] | None = None,
        heard: Sequence[Heard] = (),
    ) -> None:
        self._calls = calls
        self._wishes = wishes
        self._clock = clock
        self._secret = secret or ""
        self._own_secrets = {who: own for who, own in (own_secrets or {}).items() if own}
        self._heard = heard

    async def receive(self, delivery: PlatformDelivery) -> JsonObject | None:
        """Look at a conversation that has ended; of one that is about to begin, the answer is
        what its agent is to know. None where nothing is to be answered.

        Raises NotConfigured, Unauthenticated, InvalidInput, Forbidden.
        """
        proof = self._verified(delivery)
        said = _document(delivery.body)
        if said.keys() >= BEGINNING:
            return await self._beginning(said, proof)
        kind, data = said.get("type"), said.get("data")
        if kind not in AFTER_CALLS:
            return None
        conversation = data.get("conversation_id") if isinstance(data, dict) else None
        if not isinstance(conversation, str) or not conversation:
            raise InvalidInput("The news is about no conversation")
        record = await self._calls.call_of_conversation(conversation)
        if record is not None:
            self._require(record.project, proof)
        keep_s = _SEEN_SLACK * SIGNATURE_AGE_MAX_S
        mark = hashlib.sha256(delivery.signature.encode() + delivery.body).hexdigest()
        if await self._calls.was_seen(f"news {mark}", keep_s=keep_s):
            return None
        for hear in self._heard:
            await hear(conversation)
        return None

    async def _beginning(self, said: JsonObject, proof: _Proof) -> JsonObject:
        """What the agent of a number is given at the start of a call."""
        called = said["called_number"]
        records = await self._wishes.wishes_for_number(str(called))
        for record in records:
            if record.removed or not self._may(record.project, proof):
                continue
            number = DesiredNumber.model_validate(record.body)
            wish = await self._wishes.wish(
                number.project, number.environment, "agent", number.agent or ""
            )
            if wish is not None and not wish.removed:
                agent = DesiredAgent.model_validate(wish.body)
                return _initiation({**agent.variables, **agent.context})
        return _initiation({})

    def _verified(self, delivery: PlatformDelivery) -> _Proof:
        if not delivery.signature:
            raise Unauthenticated(UNSIGNED)
        if not self._secret and not self._own_secrets:
            raise NotConfigured(
                "The server has no secret to tell the voice platform by",
                hint="Set TRUNKLINE_ELEVENLABS_WEBHOOK_SECRET to the secret of the webhook there",
            )
        at_s = _time_of(delivery.signature)
        age_s = self._clock.now().timestamp() - at_s if at_s is not None else None
        if age_s is None or not -CLOCK_AHEAD_MAX_S <= age_s <= SIGNATURE_AGE_MAX_S:
            raise Unauthenticated(UNSIGNED)
        shared = bool(self._secret) and _fits(self._secret, at_s or 0, delivery)
        owners = frozenset(
            owner
            for owner, secret in self._own_secrets.items()
            if _fits(secret, at_s or 0, delivery)
        )
        if not shared and not owners:
            raise Unauthenticated(
                UNSIGNED,
                hint="The webhook's secret and TRUNKLINE_ELEVENLABS_WEBHOOK_SECRET must be the"
                " same",
            )
        return _Proof(shared, owners)

    def _may(self, project: str, proof: _Proof) -> bool:
        variable = platform_webhook_secret_variable(project)
        own = variable.removeprefix(PLATFORM_WEBHOOK_SECRET_PREFIX)
        return own in proof.owners if own in self._own_secrets else proof.shared

    def _require(self, project: str, proof: _Proof) -> None:
        if not self._may(project, proof):
            raise Forbidden("The news was signed with another project's secret")


def _time_of(signature: str) -> int | None:
    """The time a signature names, if it has exactly the form of one."""
    at, separator, signed = signature.partition(",")
    fits = separator and at.startswith("t=") and signed.startswith("v0=")
    digits = at.removeprefix("t=")
    if not fits or not _DIGITS.fullmatch(digits):
        return None
    return int(digits) if _SIGNATURE.fullmatch(signed.removeprefix("v0=")) else None


def _fits(secret: str, at_s: int, delivery: PlatformDelivery) -> bool:
    wanted = signature_of(secret, at_s, delivery.body)
    return hmac.compare_digest(wanted.encode(), delivery.signature.encode())


def _document(body: bytes) -> JsonObject:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body of the delivery is not JSON") from error
    if not isinstance(found, dict):
        raise InvalidInput("The body of the delivery is no object")
    return found


def _initiation(variables: Mapping[str, str]) -> JsonObject:
    told: dict[str, Json] = dict(variables)
    return {"type": "conversation_initiation_client_data", "dynamic_variables": told}
