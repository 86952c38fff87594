"""The vendors as they answer without Trunkline, and the simulators' own doors.

Every claim of the demo about a platform is asked here, in the vendors' own interfaces; what happens
to a vendor (somebody's edit, a bad day) comes through ``/_sim/``. Nothing here asks Trunkline.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from trunkline.model.ids import owner_tag

_TIMEOUT_S = 10.0
_ANALYSIS_S = 0.1
_INBOUND_PATH = "/twilio/inbound_call"
"""Where ElevenLabs takes the calls that Twilio sends."""


class Outside:
    """Both vendors, as a process with this ``environment`` reaches them.

    Raises httpx.HTTPError if one does not answer.
    """

    def __init__(self, environment: Mapping[str, str], project: str) -> None:
        self._voice = environment["ELEVENLABS_BASE_URL"]
        self._carrier = environment["TWILIO_BASE_URL"]
        self._key = {"xi-api-key": environment["ELEVENLABS_API_KEY"]}
        self._account = environment["TWILIO_ACCOUNT_SID"]
        self._secret = environment["TWILIO_AUTH_TOKEN"]
        self._project = project

    def agents(self, environment: str, name: str) -> list[str]:
        """Ids of all agents on the platform that carry the mark of this one."""
        listed = self._read("agents?page_size=100")["agents"]
        mark = owner_tag(self._project, environment, name)
        return [str(agent["agent_id"]) for agent in listed if mark in agent["tags"]]

    def configuration(self, agent_id: str) -> dict[str, Any]:
        """What callers of an agent meet."""
        read = self._read(f"agents/{agent_id}")
        return {key: read[key] for key in ("conversation_config", "platform_settings")}

    def prompt(self, agent_id: str) -> str:
        """What an agent is told to do."""
        agent = self.configuration(agent_id)["conversation_config"]["agent"]
        return str(agent["prompt"]["prompt"])

    def first_message(self, agent_id: str) -> str:
        """What an agent says first."""
        return str(self.configuration(agent_id)["conversation_config"]["agent"]["first_message"])

    def shares(self, agent_id: str) -> dict[str, float]:
        """Shares of the calls in percent by branch, those without calls left out."""
        branches = self._read(f"agents/{agent_id}/branches")["results"]
        shares = {str(each["name"]): float(each["current_live_percentage"]) for each in branches}
        return {name: percent for name, percent in shares.items() if percent}

    def reached_by(self, number: str) -> str:
        """Id of the agent a call to the number reaches; "" if it reaches none."""
        answer = httpx.get(
            f"{self._carrier}/2010-04-01/Accounts/{self._account}/IncomingPhoneNumbers.json",
            params={"PhoneNumber": number},
            auth=(self._account, self._secret),
            timeout=_TIMEOUT_S,
        )
        held = answer.raise_for_status().json()["incoming_phone_numbers"]
        if not any(urlsplit(each["voice_url"] or "").path == _INBOUND_PATH for each in held):
            return ""
        for each in self._read("phone-numbers"):
            if each["phone_number"] == number and each["assigned_agent"]:
                return str(each["assigned_agent"]["agent_id"])
        return ""

    def conversations_held(self) -> int:
        """How many conversations have begun on the platform so far."""
        answer = httpx.get(f"{self._voice}/_sim/talks", timeout=_TIMEOUT_S)
        return int(answer.raise_for_status().json()["begun"])

    def edit(self, agent_id: str, body: dict[str, Any], *, name: str, email: str) -> None:
        """Somebody changes an agent in the dashboard."""
        self._turn("edit", {"agent_id": agent_id, "body": body, "name": name, "email": email})

    def be_quick(self, *, think_ms: int, places: int) -> None:
        """Let agents think for this long, have calls analysed soon, and allow as many at once."""
        settings = {"think_ms": think_ms, "analysis_lag_s": _ANALYSIS_S, "concurrency": places}
        self._turn("talks", settings)

    def degrade(self, environment: str, name: str) -> None:
        """Let an agent be clearly worse than it is configured to be."""
        mark = owner_tag(self._project, environment, name)
        self._turn("talks", {"degraded_tags": [mark]})

    def degrade_nobody(self) -> None:
        """Let everybody be as configured."""
        self._turn("talks", {"degraded_tags": []})

    def _read(self, path: str) -> Any:
        answer = httpx.get(f"{self._voice}/v1/convai/{path}", headers=self._key, timeout=_TIMEOUT_S)
        return answer.raise_for_status().json()

    def _turn(self, control: str, body: dict[str, Any]) -> None:
        address = f"{self._voice}/_sim/{control}"
        httpx.post(address, json=body, timeout=_TIMEOUT_S).raise_for_status()
