"""Which addresses a workspace wants to be told at, and what its settings say about it.

Webhooks belong to the workspace; which of them hears of conversations is a setting of the
workspace, or of an agent, which then wins. Secrets are shown once, when a webhook is made.
"""

from __future__ import annotations

import hashlib

from simulators.elevenlabs.calls import FLAG, Call, Endpoint, checked
from simulators.elevenlabs.errors import not_found, refused
from simulators.elevenlabs.workspace import Workspace
from simulators.limits import MAX_WEBHOOKS
from simulators.wire import Answer, Json, json_answer

WEBHOOKS = "/v1/workspace/webhooks"
SETTINGS = "/v1/convai/settings"
KEPT_UNDER = "settings"
EVENTS_BY_DEFAULT = ["transcript"]
CLIENT_DATA = "conversation_initiation_client_data_webhook"
POST_CALL = "post_call_webhook_id"
SECRET_PREFIX = "wsec_"  # noqa: S105 - how secrets of webhooks begin


class Subscriptions:
    """Webhooks and settings of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._space = workspace
        self._webhooks = workspace.webhooks
        self._settings = workspace.settings

    def endpoints(self) -> list[Endpoint]:
        """Routes of webhooks and of the settings."""
        one = WEBHOOKS + "/{webhook_id}"
        return [
            Endpoint("GET", WEBHOOKS, self.listed, query={"include_usages": FLAG}),
            Endpoint("POST", WEBHOOKS, self.create, body="WebhookCreate"),
            Endpoint("PATCH", one, self.patch, body="WebhookPatch"),
            Endpoint("DELETE", one, self.delete),
            Endpoint("GET", SETTINGS, self.settings),
            Endpoint("PATCH", SETTINGS, self.change_settings, body="SettingsPatch", partial=True),
        ]

    def create(self, call: Call) -> Answer:
        """One more webhook; its secret is shown now and never again."""
        if len(self._webhooks) >= MAX_WEBHOOKS:
            raise refused(400, "too_many_webhooks", f"At most {MAX_WEBHOOKS} webhooks.")
        given = call.body["settings"]
        webhook_id = self._space.identifiers.plain()
        content = self._space.identifiers.plain()
        secret = SECRET_PREFIX + hashlib.sha256(content.encode()).hexdigest()
        self._webhooks.put(
            webhook_id,
            {
                "name": given["name"],
                "webhook_id": webhook_id,
                "webhook_url": given["webhook_url"],
                "request_headers": given["request_headers"] or {},
                "retry_enabled": True,
                "is_disabled": False,
                "created_at_unix": self._space.now(),
                "secret": secret,
                "failure": None,
            },
        )
        return json_answer({"webhook_id": webhook_id, "webhook_secret": secret})

    def listed(self, call: Call) -> Answer:
        """All webhooks."""
        usages = call.query["include_usages"]
        return json_answer(
            {"webhooks": [self._shown(one, with_usage=usages) for one in self._webhooks]}
        )

    def _shown(self, webhook: Json, *, with_usage: bool) -> Json:
        failure = webhook["failure"] or {}
        names = ("name", "webhook_id", "webhook_url", "is_disabled", "created_at_unix")
        used = self.current()["webhooks"].get(POST_CALL) == webhook["webhook_id"]
        usage = [{"usage_type": "ConvAI Settings"}] if used else []
        return {
            **{name: webhook[name] for name in names},
            "is_auto_disabled": False,
            "auth_type": "hmac",
            "usage": usage if with_usage else None,
            "events": [],
            "most_recent_failure_error_code": failure.get("status"),
            "most_recent_failure_timestamp": failure.get("time_unix_s"),
        }

    def _known(self, call: Call) -> Json:
        webhook = self._webhooks.get(call.values["webhook_id"])
        if webhook is None:
            raise not_found("Webhook", call.values["webhook_id"])
        return webhook

    def patch(self, call: Call) -> Answer:
        """Another name, or on and off."""
        webhook = self._known(call)
        for name in ("is_disabled", "name", "retry_enabled", "request_headers"):
            if call.body.get(name) is not None:
                webhook[name] = call.body[name]
        self._webhooks.put(webhook["webhook_id"], webhook)
        return json_answer({"status": "ok"})

    def delete(self, call: Call) -> Answer:
        """Tell that address nothing more."""
        self._webhooks.drop(self._known(call)["webhook_id"])
        return json_answer({"status": "ok"})

    def current(self) -> Json:
        """The settings in force, complete."""
        defaults = checked("SettingsPatch", {})
        webhooks = {POST_CALL: None, "events": EVENTS_BY_DEFAULT, "transcript_format": "json"}
        settings = {**defaults, CLIENT_DATA: None, "webhooks": webhooks}
        return {**settings, **(self._settings.get(KEPT_UNDER) or {})}

    def settings(self, call: Call) -> Answer:
        """The settings of the workspace."""
        del call
        return json_answer(self.current())

    def change_settings(self, call: Call) -> Answer:
        """Other settings; what is not given stays."""
        complete = checked("SettingsPatch", call.body)
        given = {name: complete[name] for name in call.body if name in complete}
        if "webhooks" in given:
            webhooks = given["webhooks"]
            webhooks["events"] = call.body["webhooks"].get("events") or EVENTS_BY_DEFAULT
            wanted = webhooks.get(POST_CALL)
            if wanted and wanted not in self._webhooks:
                raise refused(
                    400, "webhook_not_found", f"There is no webhook {wanted}.", param=POST_CALL
                )
        self._settings.put(KEPT_UNDER, {**(self._settings.get(KEPT_UNDER) or {}), **given})
        return json_answer(self.current())

    def listener(self, platform_settings: Json, event: str) -> Json | None:
        """The webhook that hears of such an event of an agent, if one does."""
        of_agent = (platform_settings.get("workspace_overrides") or {}).get("webhooks") or {}
        wanted = of_agent if of_agent.get(POST_CALL) else self.current()["webhooks"]
        webhook = self._webhooks.get(wanted.get(POST_CALL) or "")
        events = wanted.get("events") or EVENTS_BY_DEFAULT
        if webhook is None or webhook["is_disabled"] or event not in events:
            return None
        return webhook

    def client_data_address(self, platform_settings: Json) -> Json | None:
        """Address and headers to ask before an inbound call, where the agent allows it."""
        permissions = platform_settings.get("overrides") or {}
        if not permissions.get("enable_conversation_initiation_client_data_from_webhook"):
            return None
        of_agent = (platform_settings.get("workspace_overrides") or {}).get(CLIENT_DATA)
        found: Json | None = of_agent or self.current()[CLIENT_DATA]
        return found

    def failed(self, webhook_id: str, status: int | None) -> None:
        """A delivery to this webhook came to nothing."""
        webhook = self._webhooks.get(webhook_id)
        if webhook is not None:
            webhook["failure"] = {"status": status, "time_unix_s": self._space.now()}
            self._webhooks.put(webhook_id, webhook)
