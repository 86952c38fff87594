"""The control plane's switches of talks and of what is understood in them."""

from __future__ import annotations

import base64
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from simulators import sound
from simulators.control_bodies import control
from simulators.elevenlabs.talks.beginnings import Beginnings
from simulators.elevenlabs.talks.steady import VoiceSettings
from simulators.elevenlabs.talks.switchboard import Switchboard
from simulators.elevenlabs.talks.troubles import TalkSettings, Troubles
from simulators.wire import Answer, Json, Request, Route, json_answer

FORMATS = r"^(pcm_(8|16|24|48)000|pcm_22050|pcm_44100|ulaw_8000)$"


class HearingRequest(BaseModel):
    """Body of ``POST /_sim/hearing``: base64 of a sound, its format, and the words in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: str
    format: Annotated[str, Field(pattern=FORMATS)]
    text: Annotated[str, Field(min_length=1)]


class TalkControls:
    """Routes under ``/_sim/`` that concern talks."""

    def __init__(
        self, switchboard: Switchboard, beginnings: Beginnings, troubles: Troubles
    ) -> None:
        self._switchboard = switchboard
        self._hearing_of_all = beginnings.hearing
        self._steady = beginnings.steady
        self._troubles = troubles

    def routes(self) -> list[Route]:
        """Settings of talks, and sounds with their words."""
        talks, hearing, voice = "/_sim/talks", "/_sim/hearing", "/_sim/voice"
        return [
            Route("GET", talks, self._talks),
            Route("POST", talks, control(TalkSettings, self._set_talks)),
            Route("DELETE", talks, self._clear_talks),
            Route("GET", hearing, self._hearing),
            Route("POST", hearing, control(HearingRequest, self._add_hearing)),
            Route("DELETE", hearing, self._clear_hearing),
            Route("GET", voice, self._voice),
            Route("POST", voice, control(VoiceSettings, self._set_voice)),
            Route("DELETE", voice, self._clear_voice),
        ]

    def _talks(self, request: Request) -> Answer:
        del request
        return json_answer(self._switchboard.describe())

    def _set_talks(self, request: TalkSettings) -> Json:
        self._troubles.change(request)
        return self._switchboard.describe()

    def _clear_talks(self, request: Request) -> Answer:
        self._troubles.clear()
        return self._talks(request)

    def _hearing(self, request: Request) -> Answer:
        del request
        return json_answer(self._hearing_of_all.describe())

    def _add_hearing(self, request: HearingRequest) -> Json:
        content = base64.b64decode(request.samples, validate=True)
        samples = sound.decoded(content, request.format)
        self._hearing_of_all.register(samples, sound.rate_of(request.format), request.text)
        return self._hearing_of_all.describe()

    def _clear_hearing(self, request: Request) -> Answer:
        self._hearing_of_all.clear()
        return self._hearing(request)

    def _voice(self, request: Request) -> Answer:
        del request
        return json_answer(self._steady.describe())

    def _set_voice(self, request: VoiceSettings) -> Json:
        self._steady.change(request)
        return self._steady.describe()

    def _clear_voice(self, request: Request) -> Answer:
        self._steady.clear()
        return self._voice(request)
