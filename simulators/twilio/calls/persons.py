"""Carries out what a person does on their line, one item after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from simulators.twilio.calls.line import Line
from simulators.twilio.calls.people import ScriptItem


async def act(
    script: tuple[ScriptItem, ...],
    line: Line,
    *,
    press: Callable[[str], None],
    hang_up: Callable[[], None],
    drop: Callable[[], None],
    note: Callable[..., None],
    teach: Callable[[str, bytes], Awaitable[None]],
) -> None:
    """Do what the script says; returns at its end, and the person listens on.

    ``press`` is called with keys, ``hang_up`` and ``drop`` end the call in their ways, ``note``
    is told what is done when, and ``teach`` what words a sound is, before they are said.
    """
    for item in script:
        if item.wait_for is not None and not await _comes(line, item):
            note("caller_waited_in_vain", awaited=item.wait_for)
        if item.after_ms:
            await asyncio.sleep(item.after_ms / 1000)
        if item.silence_ms is not None:
            await asyncio.sleep(item.silence_ms / 1000)
        sound = item.sound
        if sound is not None:
            if item.say is not None:
                await teach(item.say, sound)
            await _listened_to(line)
            note("caller_speaks", words=item.say or "")
            await line.speak(sound, item.say or "")
            note("caller_is_silent")
        elif item.digits is not None:
            await _listened_to(line)
            note("caller_presses", digits=item.digits)
            press(item.digits)
        elif item.hangup:
            note("caller_hangs_up")
            hang_up()
        elif item.drop:
            note("caller_drops")
            drop()


async def _comes(line: Line, item: ScriptItem) -> bool:
    name = item.wait_for or ""
    if name == "listener" and line.has_listener:
        return True
    if name == "speech_start" and line.heard.is_speech:
        return True
    if name == "signal" and line.take_signal():
        return True
    try:
        async with asyncio.timeout(item.timeout_ms / 1000):
            await line.hope(name)
    except TimeoutError:
        return False
    return name != "signal" or line.take_signal()


async def _listened_to(line: Line) -> None:
    if not line.has_listener:
        await line.hope("listener")
