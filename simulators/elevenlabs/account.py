"""The account itself: its user, its subscription, and the voices it can use."""

from __future__ import annotations

from simulators.elevenlabs.calls import FLAG, PAGE_SIZE, TEXT, TEXTS, Call, Endpoint
from simulators.elevenlabs.errors import Refused, current, refused
from simulators.elevenlabs.workspace import Workspace
from simulators.wire import Answer, Json, json_answer

USER_ID = "simulated-user"
WORKSPACE_ID = "simulated-workspace"
CREATED_AT = 1_700_000_000
# Voices every account has, by their published ids.
PREMADE_VOICES = {
    "21m00Tcm4TlvDq8ikWAM": "Rachel",
    "2EiwWnXFnvU5JabPnv8n": "Clyde",
    "CwhRBWXzGAHq8TQ4Fs17": "Roger",
    "EXAVITQu4vr4xnSDxMaL": "Sarah",
    "FGY2WhTYpPnrIDTdsKH5": "Laura",
    "GBv7mTt0atIp3Br8iCZE": "Thomas",
    "IKne3meq5aSn9XLyUdCD": "Charlie",
    "JBFqnCBsd6RMkjVDRZzb": "George",
    "N2lVS1w4EtoT3dr4eOWO": "Callum",
    "SAz9YHcvj6GT2YYXdXww": "River",
    "SOYHLrjzK2X1ezoPC6cr": "Harry",
    "TX3LPaxmHKxFdv7VOQHJ": "Liam",
    "ThT5KcBeYPX3keUQqHPh": "Dorothy",
    "TxGEqnHWrfWFTfGW9XjX": "Josh",
    "VR6AewLTigWG4xSOukaG": "Arnold",
    "XB0fDUnXU5powFXDhCwa": "Charlotte",
    "Xb7hH8MSUJpSbSDYk0k2": "Alice",
    "XrExE9yKIg1WjnnlVkGX": "Matilda",
    "AZnzlk1XvdvUeBnXmlld": "Domi",
    "ErXwobaYiN019PkySvjV": "Antoni",
    "MF3mGyEYCl7XYWbV9V6O": "Elli",
    "pNInz6obpgDQGcFmaJgB": "Adam",
    "bIHbv24MWmeRgasZH58o": "Will",
    "cgSgspJ2msm6clMCkdW9": "Jessica",
    "cjVigY5qzO86Huf0OWal": "Eric",
    "iP95p4xoKVk53GoZ742B": "Chris",
    "nPczCjzI2devNBz1zQrb": "Brian",
    "onwK4e9ZLuTAKqWW03F9": "Daniel",
    "pFZP5JQG7iQjIQuC4Bku": "Lily",
    "pqHfZKP75CvOlQylNhV4": "Bill",
}
SETTINGS: Json = {
    "stability": 0.5,
    "use_speaker_boost": True,
    "similarity_boost": 0.75,
    "style": 0.0,
    "speed": 1.0,
}


class Account:
    """User, subscription and voices."""

    def __init__(self, workspace: Workspace) -> None:
        self._space = workspace

    def endpoints(self) -> list[Endpoint]:
        """Routes outside the agents' part of the API."""
        paged = {
            "next_page_token": TEXT,
            "page_size": {**PAGE_SIZE, "default": 10},
            "search": TEXT,
            "category": TEXT,
            "voice_ids": TEXTS,
            "include_total_count": {**FLAG, "default": True},
        }
        return [
            Endpoint("GET", "/v1/user", self.user),
            Endpoint("GET", "/v1/user/subscription", self.subscription),
            Endpoint("GET", "/v1/voices", self.voices),
            Endpoint("GET", "/v2/voices", self.page, query=paged),
            Endpoint("GET", "/v1/voices/{voice_id}", self.voice, query={"with_settings": FLAG}),
        ]

    def stock(self) -> None:
        """Give the account the voices every account has."""
        for voice_id, name in PREMADE_VOICES.items():
            self.add_voice(voice_id, name, "premade")

    def add_voice(self, voice_id: str, name: str, category: str) -> None:
        """One more voice."""
        record = {"voice_id": voice_id, "name": name, "category": category}
        self._space.voices.put(voice_id, record)

    def user(self, call: Call) -> Answer:
        """Who the key belongs to."""
        return json_answer(
            {
                "user_id": USER_ID,
                "workspace_id": WORKSPACE_ID,
                "subscription": _subscription(),
                "is_new_user": False,
                "can_use_delayed_payment_methods": False,
                "is_onboarding_completed": True,
                "is_onboarding_checklist_completed": True,
                "show_compliance_terms": False,
                "first_name": call.person.name,
                "is_api_key_hashed": True,
                "xi_api_key_preview": None,
                "referral_link_code": None,
                "partnerstack_partner_default_link": None,
                "created_at": CREATED_AT,
                "seat_type": "workspace_admin",
            }
        )

    def subscription(self, call: Call) -> Answer:
        """What the account pays for."""
        extra: Json = {
            "next_invoice": None,
            "open_invoices": [],
            "has_open_invoices": False,
            "pending_change": None,
        }
        del call
        return json_answer({**_subscription(), **extra})

    def voices(self, call: Call) -> Answer:
        """All voices."""
        del call
        return json_answer({"voices": [_voice(record) for record in self._space.voices]})

    def page(self, call: Call) -> Answer:
        """One page of voices."""
        query = call.query
        search = (query["search"] or "").casefold()
        found = [
            record
            for record in self._space.voices
            if search in record["name"].casefold()
            and query["category"] in (None, record["category"])
            and (not query["voice_ids"] or record["voice_id"] in query["voice_ids"])
        ]
        ids = [record["voice_id"] for record in found]
        token = query["next_page_token"]
        if token and token not in ids:
            raise refused(400, "invalid_page_token", "Invalid token.", param="next_page_token")
        start = ids.index(token) + 1 if token else 0
        shown = found[start : start + query["page_size"]]
        more = start + len(shown) < len(found)
        return json_answer(
            {
                "voices": [_voice(record) for record in shown],
                "has_more": more,
                "total_count": len(found),
                "next_page_token": shown[-1]["voice_id"] if more else None,
            }
        )

    def voice(self, call: Call) -> Answer:
        """One voice."""
        voice_id = call.values["voice_id"]
        record = self._space.voices.get(voice_id)
        if record is None:
            message = f"A voice with the voice_id {voice_id} was not found."
            raise Refused(current(404, "voice_not_found", message, param="voice_id"))
        return json_answer(_voice(record))


def _voice(record: Json) -> Json:
    return {
        "voice_id": record["voice_id"],
        "name": record["name"],
        "samples": None,
        "category": record["category"],
        "fine_tuning": None,
        "labels": {},
        "description": None,
        "preview_url": None,
        "available_for_tiers": [],
        "settings": SETTINGS,
        "sharing": None,
        "high_quality_base_model_ids": [],
        "verified_languages": [],
        "collection_ids": None,
        "safety_control": None,
        "voice_verification": None,
        "permission_on_resource": None,
        "is_owner": False,
        "is_legacy": False,
        "is_mixed": False,
        "favorited_at_unix": None,
        "created_at_unix": None,
    }


def _subscription() -> Json:
    return {
        "tier": "creator",
        "character_count": 0,
        "character_limit": 100_000,
        "max_character_limit_extension": None,
        "max_credit_limit_extension": 0,
        "can_extend_character_limit": False,
        "allowed_to_extend_character_limit": False,
        "next_character_count_reset_unix": None,
        "voice_slots_used": 0,
        "professional_voice_slots_used": 0,
        "professional_voice_slots_used_in_workspace": 0,
        "voice_limit": 30,
        "max_voice_add_edits": None,
        "voice_add_edit_counter": 0,
        "professional_voice_limit": 1,
        "can_extend_voice_limit": False,
        "can_use_instant_voice_cloning": True,
        "can_use_professional_voice_cloning": True,
        "currency": "usd",
        "current_overage": {"amount": "0", "currency": "usd"},
        "status": "active",
        "billing_period": "monthly_period",
        "character_refresh_period": "monthly_period",
    }
