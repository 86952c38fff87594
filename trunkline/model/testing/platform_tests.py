"""A conversation test in the form a platform can run by itself."""

from typing import Literal

from trunkline.model.base import Frozen, JsonObject
from trunkline.model.testing.transcripts import Transcript


class PlatformTest(Frozen):
    """``body`` is the platform's own shape, complete but for name and mark.

    ``source`` is the dotted path in the manifest it came from, for reports; ``check`` and
    ``wanted`` say what it asks for, in a word and in a line. Neither is part of its digest.
    """

    name: str
    kind: Literal["llm", "tool", "simulation"]
    body: JsonObject
    digest: str
    source: str
    check: str = ""
    wanted: str = ""


class PlatformRun(Frozen):
    """One run of one test by the platform. ``unmocked``: a tool was called that no answer was
    prepared for.
    """

    run_id: str
    test_id: str
    state: Literal["pending", "passed", "failed", "unknown", "cancelled"]
    reasons: tuple[str, ...] = ()
    transcript: Transcript = ()
    unmocked: bool = False


class Invocation(Frozen):
    """All runs somebody asked for at once. ``version_id`` is what they ran against."""

    id: str
    agent_id: str
    branch_id: str | None = None
    version_id: str | None = None
    runs: tuple[PlatformRun, ...] = ()

    @property
    def pending(self) -> bool:
        """True while a run has no answer."""
        return any(run.state == "pending" for run in self.runs)


class LeftOut(Frozen):
    """Something of a conversation test that the platform's tests cannot say, and why."""

    path: str
    why: str


class CompiledTest(Frozen):
    """A conversation test as the platform runs it: perhaps several tests, perhaps none.

    ``left_out`` names every part that no test stands for, in the order of the document.
    """

    name: str
    tests: tuple[PlatformTest, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class Examples(Frozen):
    """Replies that fulfil a criterion and replies that do not, for a judge to go by."""

    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
