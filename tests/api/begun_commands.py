"""Commands that go on while a test reads what they said so far.

Knows how ``trunkline`` is started and watched, and nothing of what is asked with it.
"""

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from tests.notifications.worlds import eventually
from tests.warm_programs import Ended, Running, WarmPrograms

COMMAND_MAX_S = 150.0
"""No command takes so long, on any machine."""


class Asked(Protocol):
    """The server that is asked, and by whom it can be."""

    @property
    def url(self) -> str: ...

    @property
    def project(self) -> str: ...

    @property
    def tokens(self) -> dict[str, str]: ...


def environment(asked: Asked, who: str, url: str = "") -> dict[str, str]:
    """What a command needs to know to ask it, or somebody else at ``url``."""
    return {
        **os.environ,
        "TRUNKLINE_URL": url or asked.url,
        "TRUNKLINE_TOKEN": asked.tokens.get(who, "tl_unknown"),
        "TRUNKLINE_PROJECT": asked.project,
    }


@dataclass
class Begun:
    """A command, and the files its words go to."""

    running: Running
    out: Path
    err: Path
    is_over: bool = False

    async def until(self, said: Callable[[str, str], bool]) -> None:
        """Wait until this is true of stdout and stderr."""

        async def look() -> bool:
            return said(self.out.read_text("utf-8"), self.err.read_text("utf-8"))

        await eventually(look, what="what the command is to say")

    async def ended(self) -> Ended:
        """Wait for its end."""
        self.is_over = True
        return await self.running.ended(timeout_s=COMMAND_MAX_S)


Begin: TypeAlias = Callable[..., AbstractAsyncContextManager[Begun]]


@asynccontextmanager
async def begun(
    programs: WarmPrograms, folder: Path, place: Mapping[str, str], arguments: Sequence[str]
) -> AsyncIterator[Begun]:
    """Start ``trunkline`` with this environment; if it has not ended by then it is killed."""
    out, err = folder / "begun.out", folder / "begun.err"
    streams = out.open("w+b"), err.open("w+b")
    order = programs.begin(*arguments, env=place, out=streams[0], err=streams[1])
    command = Begun(Running(*order, *streams), out, err)
    try:
        yield command
    finally:
        if not command.is_over:
            with suppress(ProcessLookupError):
                command.running.kill()
            await command.ended()
