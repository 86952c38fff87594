"""What Twilio is answered with, in its own markup, written by its own library. Pure."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from twilio.twiml.voice_response import Connect, VoiceResponse

HOSTED: Final = "https://twimlets.com"
"""Small answers that Twilio hosts [general knowledge, not from its reference]: ``/forward`` dials
``PhoneNumber``, ``/echo`` answers with ``Twiml``. They work while nothing of ours does."""
SPOKEN: Final[Mapping[str, str]] = {
    "ca": "ca-ES",
    "da": "da-DK",
    "de": "de-DE",
    "en": "en-US",
    "es": "es-ES",
    "fi": "fi-FI",
    "fr": "fr-FR",
    "it": "it-IT",
    "ja": "ja-JP",
    "ko": "ko-KR",
    "nb": "nb-NO",
    "nl": "nl-NL",
    "no": "nb-NO",
    "pl": "pl-PL",
    "pt": "pt-BR",
    "ru": "ru-RU",
    "sv": "sv-SE",
    "zh": "zh-CN",
}
"""Locales of Twilio's own voices by language; a sentence in another one is read as English."""


def stream(url: str, parameters: Mapping[str, str], *, then: str, status_url: str) -> str:
    """Connect with a media stream both ways, then ask ``then``."""
    answer = VoiceResponse()
    connect = Connect(action=then, method="POST")
    told = {"status_callback": status_url, "status_callback_method": "POST"} if status_url else {}
    opened = connect.stream(url=url, **told)
    for name, value in parameters.items():
        opened.parameter(name=name, value=value)
    answer.append(connect)
    return str(answer)


def apology(sentence: str, *, language: str, forward_to: str) -> str:
    """Say a sentence (none if it is empty), then dial, else hang up."""
    answer = VoiceResponse()
    if sentence:
        answer.say(sentence, language=SPOKEN.get(language.partition("-")[0].lower()))
    if forward_to:
        answer.dial(forward_to)
    else:
        answer.hangup()
    return str(answer)


def transfer(to_number: str, *, sentence: str = "", caller_id: str = "") -> str:
    """Say a sentence (none if it is empty) and dial."""
    answer = VoiceResponse()
    if sentence:
        answer.say(sentence)
    answer.dial(to_number, caller_id=caller_id or None)
    return str(answer)


def hangup() -> str:
    """Hang up."""
    answer = VoiceResponse()
    answer.hangup()
    return str(answer)


def hosted_fallback(forward_to: str, sentence: str) -> str:
    """The hosted answer that dials a number; without one, the one that says a sentence."""
    if forward_to:
        return f"{HOSTED}/forward?{urlencode({'PhoneNumber': forward_to})}"
    spoken = apology(sentence, language="", forward_to="")
    return f"{HOSTED}/echo?{urlencode({'Twiml': spoken})}"
