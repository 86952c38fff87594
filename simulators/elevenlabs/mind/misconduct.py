"""Going wrong on purpose: by a rate and a seed, or because an agent is degraded.

Works on finished acts, so that what went wrong is visible in what is said and done.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from simulators.elevenlabs.mind.acts import Act, CallTool, Misbehaviour, Say
from simulators.elevenlabs.mind.conversation import Conversation

_CLAIMS: Final = ("invented_dose", "invented_time", "invented_diagnosis", "invented_yes")


def spoilt(
    acts: Sequence[Act], talk: Conversation, misbehaviour: Misbehaviour, dice: random.Random
) -> list[Act]:
    """The acts as they come out of an agent that misbehaves; unchanged for one that does not."""
    if misbehaviour.degraded:
        return _degraded(acts, talk)
    if not misbehaviour.rate or dice.random() >= misbehaviour.rate:
        return list(acts)
    kind = dice.randrange(3)
    if kind == 0 and any(isinstance(act, CallTool) for act in acts):
        return _without_tools(acts, talk)
    if kind == 1:
        claim = talk.voice.phrase(dice.choice(_CLAIMS))
        return [*_spoken(acts, claim), *(act for act in acts if not isinstance(act, Say))]
    unsure = talk.voice.phrase("unknown")
    return [Say(unsure) if isinstance(act, Say) else act for act in acts] or [Say(unsure)]


def _spoken(acts: Sequence[Act], more: str) -> list[Act]:
    said = [act.text for act in acts if isinstance(act, Say)]
    return [Say(" ".join([*said, more]))]


def _without_tools(acts: Sequence[Act], talk: Conversation) -> list[Act]:
    for act in acts:
        if isinstance(act, CallTool):
            talk.calls.pop(act.call_id, None)
    return [*_spoken([], talk.voice.phrase("invented_done"))]


def _degraded(acts: Sequence[Act], talk: Conversation) -> list[Act]:
    if any(isinstance(act, CallTool) for act in acts):
        return _without_tools(acts, talk)
    chat = talk.voice.phrase("chat_after")
    return [
        Say(f"{talk.voice.phrase('unknown')} {chat}") if isinstance(act, Say) else act
        for act in acts
    ]
