"""The parts of one account that hold conversations, put together.

By socket or by telephone, with the news that goes out afterwards and the controls of all that. What
each part does is its own business; this module only knows which needs which.
"""

from __future__ import annotations

from collections.abc import Callable

from simulators.control_bodies import control
from simulators.elevenlabs.calls import Endpoint
from simulators.elevenlabs.conversations import Conversations
from simulators.elevenlabs.history import History
from simulators.elevenlabs.notices.deliveries import Deliveries, DeliverySettings
from simulators.elevenlabs.notices.news import News
from simulators.elevenlabs.notices.subscriptions import Subscriptions
from simulators.elevenlabs.phones.calls import PhoneCalls, PhoneSettings
from simulators.elevenlabs.talks.beginnings import Beginnings
from simulators.elevenlabs.talks.controls import TalkControls
from simulators.elevenlabs.talks.switchboard import Switchboard
from simulators.elevenlabs.talks.troubles import Troubles
from simulators.elevenlabs.talks.webhooks import Webhooks
from simulators.elevenlabs.telephony import TwilioAccount
from simulators.elevenlabs.workspace import Workspace
from simulators.wire import Admission, Answer, Request, Route, json_answer


class Speaking:
    """Conversations of one account, from every door to the last news of them."""

    def __init__(
        self,
        workspace: Workspace,
        history: History,
        conversations: Conversations,
        webhooks: Webhooks,
        twilio: TwilioAccount,
        *,
        seed: int,
        commit: Callable[[], None],
    ) -> None:
        self.troubles = Troubles()
        self._subscriptions = Subscriptions(workspace)
        self._deliveries = Deliveries(self._subscriptions, webhooks, workspace.clock, commit=commit)
        news = News(
            workspace,
            conversations,
            self._subscriptions,
            self._deliveries,
            webhooks,
            analysis_lag_s=lambda: self.troubles.settings.analysis_lag_s,
        )
        self._beginnings = Beginnings(
            workspace,
            history,
            conversations,
            webhooks,
            self.troubles,
            commit=commit,
            over=news.conversation_over,
        )
        self._phones = PhoneCalls(
            workspace,
            conversations,
            self._beginnings,
            self.troubles,
            twilio,
            news,
            commit=commit,
        )
        self._switchboard = Switchboard(
            workspace, history, self._beginnings, self.troubles, self._phones, seed=seed
        )
        self.minds = self._beginnings.minds

    def endpoints(self) -> list[Endpoint]:
        """Routes of the vendor's API."""
        return [
            *self._switchboard.endpoints(),
            *self._subscriptions.endpoints(),
            *self._phones.endpoints(),
        ]

    def open_routes(self) -> list[Route]:
        """Routes asked without a key of the account."""
        return self._phones.routes()

    async def admit(self, request: Request) -> Answer | Admission:
        """Who speaks over a WebSocket, or 429."""
        return await self._switchboard.admit(request)

    def forget(self) -> None:
        """As at the start: nobody is expected and nothing under way."""
        self._switchboard.forget()
        self._phones.clear()
        self._deliveries.clear()

    async def stop(self) -> None:
        """Deliver nothing for now."""
        await self._deliveries.stop()

    def controls(self) -> list[Route]:
        """Switches of conversations, calls and news."""
        deliveries = "/_sim/deliveries"
        return [
            *TalkControls(self._switchboard, self._beginnings, self.troubles).routes(),
            Route("POST", "/_sim/phone-calls", control(PhoneSettings, self._phones.set)),
            Route("GET", deliveries, self._show_deliveries),
            Route("POST", deliveries, control(DeliverySettings, self._deliveries.set)),
            Route("DELETE", deliveries, self._clear_deliveries),
        ]

    def _show_deliveries(self, request: Request) -> Answer:
        del request
        return json_answer(self._deliveries.describe())

    def _clear_deliveries(self, request: Request) -> Answer:
        self._deliveries.clear()
        return self._show_deliveries(request)
