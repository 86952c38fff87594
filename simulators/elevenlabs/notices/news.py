"""What a workspace is told of its conversations, and what it is asked before one.

After a conversation its transcript and, where it is wanted, its recording; of a call that never
began, why. Before an inbound call the workspace may be asked how to begin. How news travels is
not decided here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from simulators.elevenlabs.conversations import Conversations
from simulators.elevenlabs.notices.deliveries import Deliveries
from simulators.elevenlabs.notices.subscriptions import Subscriptions
from simulators.elevenlabs.recordings import silence
from simulators.elevenlabs.talks.initiation import CONTRACT, Unacceptable
from simulators.elevenlabs.talks.webhooks import Webhooks
from simulators.elevenlabs.workspace import Workspace
from simulators.wire import Json, dump_json

TRANSCRIPT, AUDIO, FAILURE = "transcript", "audio", "call_initiation_failure"
# A telephone company waits fifteen seconds in all.
CLIENT_DATA_TIMEOUT_S = 10.0
OK = 200
NO_DATA = "The conversation initiation webhook did not answer with client data."


class News:
    """Tells and asks on behalf of one workspace."""

    def __init__(
        self,
        workspace: Workspace,
        conversations: Conversations,
        subscriptions: Subscriptions,
        deliveries: Deliveries,
        web: Webhooks,
        *,
        analysis_lag_s: Callable[[], float],
    ) -> None:
        self._space = workspace
        self._conversations = conversations
        self._subscriptions = subscriptions
        self._deliveries = deliveries
        self._web = web
        self._analysis_lag_s = analysis_lag_s

    def conversation_over(self, record: Json, settings: Json) -> None:
        """A talk is over: its transcript once it is analysed, and its recording."""
        conversation_id = record["conversation_id"]
        listener = self._subscriptions.listener(settings, TRANSCRIPT)
        shown = self._conversations.settled(conversation_id)
        if shown is None:
            return
        after_s = self._analysis_lag_s()
        if listener is not None:
            content = self._of("post_call_transcription", shown)
            self._deliveries.send(listener, content, after_s=after_s)
        listener = self._subscriptions.listener(settings, AUDIO)
        if listener is not None and shown["has_audio"]:
            audio = base64.b64encode(silence(record["duration_s"])).decode()
            facts = {"agent_id": record["agent_id"], "conversation_id": conversation_id}
            content = self._of("post_call_audio", {**facts, "full_audio": audio})
            self._deliveries.send(listener, content, after_s=after_s)

    def call_failed(self, settings: Json, facts: Json) -> None:
        """A call never became a conversation."""
        listener = self._subscriptions.listener(settings, FAILURE)
        if listener is not None:
            self._deliveries.send(listener, self._of(FAILURE, facts))

    def _of(self, kind: str, data: Json) -> Json:
        return {"type": kind, "event_timestamp": self._space.now(), "data": data}

    async def client_data(self, settings: Json, asked: Json) -> Json:
        """What the workspace wants an inbound call to begin with; {} where nobody is asked.

        Raises Unacceptable when an address that should know does not say.
        """
        address = self._subscriptions.client_data_address(settings)
        if address is None:
            return {}
        headers = {"content-type": "application/json"}
        for name, value in (address.get("request_headers") or {}).items():
            text = value if isinstance(value, str) else self._secret(value["secret_id"])
            headers[name.lower()] = text
        answer = await self._web.post(
            address["url"], headers, dump_json(asked), CLIENT_DATA_TIMEOUT_S
        )
        if answer is None or answer[0] != OK:
            raise Unacceptable(CONTRACT, NO_DATA)
        try:
            content = json.loads(answer[1])
        except ValueError as error:
            raise Unacceptable(CONTRACT, NO_DATA) from error
        if not isinstance(content, dict):
            raise Unacceptable(CONTRACT, NO_DATA)
        return content

    def _secret(self, secret_id: str) -> str:
        record = self._space.secrets.get(secret_id)
        return str(record["value"]) if record else ""
