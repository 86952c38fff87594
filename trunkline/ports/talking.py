"""What a conversation test asks of a voice platform, of a speaking machine and of a judge.

Apart from the reconciler's ports because neither needs the other: a conversation is heard event by
event, a configuration is read whole.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from trunkline.model.base import Json, JsonObject
from trunkline.model.branches import Branch, Split
from trunkline.model.ids import ExternalId
from trunkline.model.kinds.conversation import Noise
from trunkline.model.observed import ObservedAgent, ObservedObject
from trunkline.model.testing.judging import JudgeAnswer, Question
from trunkline.model.testing.platform_tests import Invocation, PlatformTest
from trunkline.model.testing.sounds import Levels
from trunkline.model.testing.talk import Sound, TalkEvent, TalkRequest
from trunkline.model.testing.transcripts import Transcript


class Talk(Protocol):
    """One conversation that is going on. Raises ConversationLost from everything once it is over
    without having been ended by the agent.
    """

    @property
    def conversation_id(self) -> str:
        """The platform's id."""

    def events(self) -> AsyncIterator[TalkEvent]:
        """What the platform says, in order of arrival; ends with ``Ended``. Consumed once."""

    async def say(self, text: str) -> None:
        """The caller's words as text (text mode)."""

    async def play(self, sound: Sound) -> None:
        """The caller's audio, paced as it would be spoken; returns when it has been sent."""

    async def press(self, keys: str) -> None:
        """Telephone keys, the way the platform's conversation protocol can carry them."""

    async def inform(self, text: str) -> None:
        """A contextual update: the agent knows it from now on and does not answer it."""

    async def answer_tool(self, call_id: str, answer: Json, *, is_error: bool) -> None:
        """The result of a client tool the agent asked for."""

    async def hang_up(self) -> None:
        """The caller ends the conversation."""


class Talks(Protocol):
    """Conversations with agents of one account of a voice platform."""

    def open(self, request: TalkRequest) -> AbstractAsyncContextManager[Talk]:
        """Begin a conversation and leave it behind closed, whatever happens.

        Raises ConversationRefused (the platform said no, with its words), RateLimited (no free
        place), Unavailable.
        """

    async def in_progress(self) -> int:
        """Conversations of the account that are going on now, whoever began them."""

    async def concurrency(self) -> int | None:
        """Conversations the account may have at once without paying for a burst; None if the
        platform does not say.
        """

    async def variables(self, conversation_id: str) -> dict[str, Json] | None:
        """The variables a conversation that is over ended with, secret ones left out; None if the
        platform does not say in time.
        """


class AgentBranches(Protocol):
    """Branches of agents of one account: configurations beside the live one."""

    async def branches(self, agent_id: ExternalId) -> tuple[Branch, ...]:
        """All branches that are not archived, Main first; only Main's has its version here.

        Raises RemoteMissing.
        """

    async def branch(self, agent_id: ExternalId, branch_id: str) -> Branch:
        """One branch with the version at its tip, archived ones too. Raises RemoteMissing."""

    async def tip(self, agent_id: ExternalId, branch_id: str) -> ObservedAgent:
        """The agent as a branch has it at its tip. Raises RemoteMissing."""

    async def archived_names(self, agent_id: ExternalId) -> tuple[str, ...]:
        """Names of branches that were put away, as many as the platform tells at once."""

    async def create_branch(
        self,
        agent_id: ExternalId,
        *,
        parent_version_id: str,
        name: str,
        description: str,
        patch: JsonObject,
        timeout_s: float,
    ) -> Branch:
        """A branch without traffic off a version, with a partial body merged onto it.

        One in use that has the name already is answered as it is. Raises OutcomeUnknown if in
        doubt; a branch is found again by its name.
        """

    async def update_branch(
        self,
        agent_id: ExternalId,
        branch_id: str,
        patch: JsonObject,
        *,
        description: str,
        timeout_s: float,
    ) -> str:
        """Merge a partial body into a branch's tip; its new version id. Never touches Main."""

    async def archive_branch(
        self, agent_id: ExternalId, branch_id: str, *, label: str = "", timeout_s: float
    ) -> None:
        """Put a branch away and free its name; one that is archived or gone is no error.

        ``label`` stays readable in the name it has from then on.

        Raises Conflict for Main and for a branch that has traffic.
        """

    async def split_traffic(self, agent_id: ExternalId, split: Split, *, timeout_s: float) -> Split:
        """Declare the whole split, 100 in all; what the platform says it is now.

        Raises Rejected for another sum, Conflict for a branch that is archived or unknown.
        """


class PlatformTests(Protocol):
    """The platform's own tests of agents of one account. One is made once and never changed."""

    async def find_tests(self, mark: str) -> tuple[ObservedObject, ...]:
        """Tests whose name carries exactly the mark, oldest first, over all pages."""

    async def marked_tests(self) -> tuple[ObservedObject, ...]:
        """Tests whose name carries any mark, oldest first, over all pages."""

    async def unmark_test(self, test_id: ExternalId, *, timeout_s: float) -> None:
        """Take our mark from a test; everything else about it stays. Raises RemoteMissing."""

    async def create_test(
        self, test: PlatformTest, *, mark: str, bindings: Mapping[str, str], timeout_s: float
    ) -> ExternalId:
        """Create a test under its mark; ``bindings`` maps references in it to ids.

        Raises Rejected for a reference without an id, OutcomeUnknown if in doubt.
        """

    async def delete_test(self, test_id: ExternalId, *, timeout_s: float) -> None:
        """Delete a test; one that is gone is no error."""

    async def run_tests(
        self,
        agent_id: ExternalId,
        test_ids: Sequence[ExternalId],
        *,
        branch_id: str | None = None,
        override: JsonObject | None = None,
        repeat_count: int = 1,
        timeout_s: float,
    ) -> str:
        """Start an invocation, on a branch or on a whole body nobody stored; its id.

        Raises RemoteMissing if the agent, the branch or a test is gone.
        """

    async def invocation(self, invocation_id: str) -> Invocation:
        """How far it is."""


class Speaker(Protocol):
    """Turns words into sound."""

    async def speak(self, text: str, *, language: str, voice: str | None) -> Sound:
        """The words, spoken. Raises SpeechUnavailable."""


class Studio(Speaker, Protocol):
    """What a conversation in audio needs besides the line: sound made, read and measured."""

    def recording(self, content: bytes) -> Sound:
        """The sound of a WAV file. Raises InvalidInput."""

    def background(self, noise: Noise, seed: int) -> Sound:
        """Noise around a caller that can be played over and over, the same for the same seed."""

    def levels(self, sound: Sound) -> Levels:
        """How loud each frame of 20 ms is."""

    async def loudness_lufs(self, sounds: Sequence[Sound]) -> float | None:
        """Integrated loudness of pieces played one after the other; None if it was silence."""


class Telephone(Protocol):
    """A caller's telephone as sound: what they say over a background, and what they hear. Coded as
    carriers code it, µ-law at 8,000 Hz.
    """

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send a frame of 20 ms every 20 ms until cancelled, whether somebody speaks or not."""

    async def play(self, sound: Sound) -> None:
        """Say it; returns when it has been sent. Raises InvalidInput for too long a sound."""

    async def press(self, keys: str) -> None:
        """The tones of keys."""

    def heard(self, content: bytes) -> Sound | None:
        """A frame from the other end; None for one in which nobody speaks."""


MakeTelephone = Callable[[Sound | None], Telephone]
"""A telephone with a background; sound takes memory, so nobody has one before a call."""


class Judge(Protocol):
    """Answers a question about a conversation."""

    @property
    def identity(self) -> str:
        """Which judge this is: kept with every answer, part of the evidence."""

    async def judge(self, question: Question, *, vote: int = 0) -> JudgeAnswer:
        """One vote; ``vote`` numbers independent ones. Raises JudgeUnavailable."""

    def price_usd(self, question: Question) -> float:
        """About what one vote costs."""


class CallerModel(Protocol):
    """Plays a caller in turns nobody scripted."""

    @property
    def identity(self) -> str:
        """Which model this is."""

    async def next_utterance(self, persona: str, goal: str, transcript: Transcript) -> str | None:
        """What the caller says next; None once the goal is reached or given up.

        Raises JudgeUnavailable.
        """


class Judges(Protocol):
    """Who judges on this installation."""

    def judge(self, model: str | None = None) -> Judge:
        """The judge of the installation, or of the model a test names.

        One that is not configured answers every question with JudgeUnavailable.
        """

    @property
    def caller(self) -> CallerModel | None:
        """Who improvises callers; None without a model."""
