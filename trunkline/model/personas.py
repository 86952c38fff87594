"""Traits of a persona to a voice and its settings.

A persona says how somebody is; a platform wants a voice and numbers. The table is small, pure and
the same everywhere, so that two agents of one persona sound alike. Nothing here knows how a
platform names the settings, or which it has no field for.
"""

from typing import Literal

from trunkline.model.base import Frozen

PersonaVoice = Literal["bella", "rachel", "adam", "domi", "ethan"]

VOICE_IDS: dict[PersonaVoice, str] = {
    "bella": "EXAVITQu4vr4xnSDxMaL",
    "rachel": "21m00Tcm4TlvDq8ikWAM",
    "adam": "pNInz6obpgDQGcFmaJgB",
    "domi": "AZnzlk1XvdvUeBnXmlld",
    "ethan": "g5CIjZEefAph4nQFvHAz",
}
"""The platform's public voices; an account may replace each by one of its own."""

HIGH_FROM = 0.67
LOW_TO = 0.33

_VOICES: dict[tuple[str, str], PersonaVoice] = {
    ("high", "high"): "bella",
    ("low", "high"): "rachel",
    ("high", "low"): "adam",
    ("low", "low"): "domi",
}


class VoiceSettings(Frozen):
    """Numbers from 0 to 1, and whether the speaker is boosted."""

    stability: float
    similarity_boost: float
    style: float
    speaker_boost: bool


def voice_of(temper: float, chattiness: float) -> PersonaVoice:
    """The voice for a temper and a chattiness, both from 0 to 1."""
    return _VOICES.get((_level(temper), _level(chattiness)), "ethan")


def settings_of(temper: float, attachment: float) -> VoiceSettings:
    """Voice settings for a temper and an attachment, both from 0 to 1.

    Stability is 0.5 + 0.3·temper, at most 1; style is 0.5·attachment. Rounded to nine places, so
    that binary fractions do not show up as differences.
    """
    return VoiceSettings.model_construct(
        stability=round(min(1.0, 0.5 + temper * 0.3), 9),
        similarity_boost=0.7,
        style=round(attachment * 0.5, 9),
        speaker_boost=True,
    )


def _level(trait: float) -> str:
    if trait >= HIGH_FROM:
        return "high"
    return "low" if trait <= LOW_TO else "middle"
