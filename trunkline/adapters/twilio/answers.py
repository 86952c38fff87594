"""What Twilio is answered with, in its own markup, written by its own library. Pure."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from twilio.twiml.voice_response import Connect, Dial, VoiceResponse

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

_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
        answer.say(_sayable(sentence), language=_spoken(language))
    if forward_to:
        answer.dial(forward_to)
    else:
        answer.hangup()
    return str(answer)


def transfer(
    to_number: str,
    *,
    sentence: str = "",
    language: str = "",
    caller_id: str = "",
    whisper_url: str = "",
    then: str = "",
) -> str:
    """Say a sentence (none if it is empty) and dial; whoever answers hears ``whisper_url`` first,
    while it rings on for the caller. ``then`` is asked when the dialled call is over.
    """
    answer = VoiceResponse()
    if sentence:
        answer.say(_sayable(sentence), language=_spoken(language))
    asked = {"action": then, "method": "POST"} if then else {}
    if whisper_url:
        dial = Dial(caller_id=caller_id or None, answer_on_bridge=True, **asked)
        dial.number(to_number, url=whisper_url, method="POST")
        answer.append(dial)
    else:
        answer.dial(to_number, caller_id=caller_id or None, **asked)
    return str(answer)


def whisper(words: str, *, language: str) -> str:
    """Say words (none if they are empty); at the end of the document both sides are connected."""
    answer = VoiceResponse()
    if words:
        answer.say(_sayable(words), language=_spoken(language))
    return str(answer)


def hangup() -> str:
    """Hang up."""
    answer = VoiceResponse()
    answer.hangup()
    return str(answer)


def _sayable(words: str) -> str:
    """The words without what no XML holds: a document with it is an error to the carrier, which
    then ends the call.
    """
    return _NOT_IN_XML.sub("", words)


def _spoken(language: str) -> str | None:
    return SPOKEN.get(language.partition("-")[0].lower())


def hosted_fallback(forward_to: str, sentence: str) -> str:
    """The hosted answer that dials a number; without one, the one that says a sentence."""
    if forward_to:
        return f"{HOSTED}/forward?{urlencode({'PhoneNumber': forward_to})}"
    spoken = apology(sentence, language="", forward_to="")
    return f"{HOSTED}/echo?{urlencode({'Twiml': spoken})}"
