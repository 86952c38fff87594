"""The caller's part of a script in one open conversation, in real time.

The script says what the caller does and ``TurnWatch`` when a turn is over; here is only the doing
and the waiting between the two. Nothing is judged.
"""

import asyncio
import math
from collections.abc import Sequence

from activities.conversation_course import Course, pace_s
from activities.conversation_parts import Company, Conversation, Trouble
from trunkline.model.durations import format_duration
from trunkline.model.errors import (
    InvalidInput,
    JudgeUnavailable,
    PlatformError,
    SpeechUnavailable,
)
from trunkline.model.kinds.conversation import Turn
from trunkline.model.testing.closing_checks import AudioMeasures
from trunkline.model.testing.costs import counted_usd
from trunkline.model.testing.limits import AUDIO_TURN_S, CONVERSATION_MAX_S, SPEECH_MAX_CHARACTERS
from trunkline.model.testing.results import CheckResult
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.sounds import PAUSE_MS, measures
from trunkline.model.testing.talk import Sound
from trunkline.model.testing.turns import (
    SETTLE_AUDIO_MS,
    SETTLE_TEXT_MS,
    TURN_DEADLINE_MS,
    Over,
    TurnWatch,
    applies,
    not_applicable,
)
from trunkline.model.testing.verdicts import RunFacts, limit_exceeded
from trunkline.ports.talking import Talk

IMPROVISED_TURNS = 10
"""Utterances of an improvised turn that says nothing about their number."""
GOODBYE_S = 3.0
"""How long the agent has to end a conversation it should end, after the last turn."""
GREETING_S = 5.0
"""How long a caller waits for the greeting; whoever has one gives it at once."""
LAG_MS = PAUSE_MS + 60
"""That the agent stopped speaking is known so much later; in audio nothing is decided before."""


class ScriptDrive:
    """Goes through a script once. Use it once."""

    def __init__(self, talk: Talk, script: Script, company: Company, course: Course) -> None:
        self._talk = talk
        self._script = script
        self._company = company
        self._course = course
        self._audio = script.spec.mode != "text"
        self._overs: list[Over] = []
        self._reply_ms: list[int] = []
        self._sounds: dict[int, Sound | None] = {}
        self._limit: CheckResult | None = None
        self._listening: asyncio.Task[None] | None = None
        usual_ms = round(AUDIO_TURN_S * 1000) if self._audio else TURN_DEADLINE_MS
        patience_s = company.patience_s
        self._patience_ms = usual_ms if patience_s is None else round(patience_s * 1000)
        self._pace_s = pace_s(audio=self._audio, polls=course.polls)
        seconds = script.spec.limits.seconds
        self._limit_ms = (CONVERSATION_MAX_S if seconds is None else seconds) * 1000

    async def run(self) -> Conversation:
        """All turns, and the end."""
        self._listening = listening = asyncio.create_task(self._course.listen())
        trouble = None
        try:
            async with asyncio.timeout(self._limit_ms / 1000 + AUDIO_TURN_S):
                trouble = await self._turns()
                await self._part()
        except TimeoutError:
            self._limit = self._limit or self._exceeded()
        finally:
            listening.cancel()
            await self._course.close()
            await asyncio.gather(listening, return_exceptions=True)
        if not listening.cancelled() and (failure := listening.exception()) is not None:
            raise failure
        return await self._conversation(trouble)

    async def _turns(self) -> Trouble | None:
        """Turn after turn until the script or the conversation is over."""
        turns = self._script.spec.turns
        await self._recall()
        await self._opening(turns[:1])
        for index, turn in enumerate(turns):
            self._company.progress(f"turn {index + 1} of {len(turns)}")
            try:
                over = await self._turn(index, turn)
            except PlatformError as error:
                await self._hear_the_end()
                if not self._course.over:
                    return Trouble.of(error)
                over = self._last_word(index, turn)
            except (SpeechUnavailable, InvalidInput, JudgeUnavailable) as error:
                return Trouble.of(error)
            if self._course.unreached:
                return Trouble(
                    "ToolGatewayUnreachable",
                    f"{self._course.unreached}; check that TRUNKLINE_PUBLIC_URL leads to this"
                    " server and that it runs",
                )
            if over is None:
                return None
            self._overs.append(over)
            if not over.goes_on or self._course.over:
                return None
        return None

    async def _recall(self) -> None:
        """What was said before the conversation starts: the protocol takes it as context."""
        said = [
            f"Agent: {line.agent}" if line.agent is not None else f"Caller: {line.caller}"
            for line in self._script.spec.history
        ]
        if said:
            text = "\n".join(["What was said earlier in this conversation:", *said])
            await self._talk.inform(text)
            self._course.note("injected", text=text)

    async def _opening(self, first: Sequence[Turn]) -> None:
        """Let the agent greet before a caller who speaks first in the script."""
        course = self._course
        begins = any(getattr(turn, name) is not None for turn in first for name in Turn.INPUTS)
        interrupts = self._audio and any(turn.interrupt is not None for turn in first)
        if not begins or interrupts or not self._script.first_message.strip():
            return
        greeting = TurnWatch(
            Turn.model_validate({"expect": [{"says": {"anything": True}}]}),
            index=0,
            mode=self._script.spec.mode,
            start_ms=course.now_ms,
            settle_ms=SETTLE_AUDIO_MS if self._audio else SETTLE_TEXT_MS,
            deadline_ms=round(GREETING_S * 1000),
        )
        course.watch(greeting)
        await self._verdict(greeting)

    def _exceeded(self) -> CheckResult | None:
        """The limit the conversation has gone beyond by now."""
        course, script = self._course, self._script
        elapsed_s = course.now_ms / 1000
        spent_usd = counted_usd(
            script.spec.mode, self._company.rates, lines=course.lines, duration_s=elapsed_s
        )
        return limit_exceeded(script, course.lines, elapsed_s=elapsed_s, cost_usd=spent_usd)

    async def _turn(self, index: int, turn: Turn) -> Over | None:
        """One turn; None if a limit ended it."""
        course = self._course
        mode = self._script.spec.mode
        if not applies(turn, mode):
            return not_applicable(turn, index, course.now_ms)
        if index == 0 and self._audio and turn.interrupt is not None:
            await self._until_agent_speaks(round(turn.interrupt.by.total_seconds() * 1000))
        cut_ms = self._cut_ms(index)
        sound = await self._sound_of(index)
        if cut_ms is not None:
            await self._sound_of(index + 1)  # who breaks in has no time to think
        watch = TurnWatch(
            turn,
            index,
            mode,
            course.now_ms,
            settle_ms=SETTLE_AUDIO_MS if self._audio else SETTLE_TEXT_MS,
            deadline_ms=self._patience_ms,
            agent_speaking=course.agent_speaks,
            cut_by_ms=cut_ms,
        )
        course.watch(watch)
        sent_ms = await self._input(turn, watch, sound)
        self._limit = self._exceeded()
        over = await self._verdict(watch) if self._limit is None else None
        if over is not None and _is_answered(turn):
            self._count_reply(index, sent_ms)
        return over

    def _cut_ms(self, index: int) -> int | None:
        """How long after the agent starts the next turn speaks into this one."""
        following = self._script.spec.turns[index + 1 : index + 2]
        if not self._audio or not following or following[0].interrupt is None:
            return None
        return round(following[0].interrupt.by.total_seconds() * 1000)

    def _is_cut(self, watch: TurnWatch, now_ms: int) -> bool:
        """True if the next turn speaks by now; that cannot wait for what is not known yet."""
        started = (
            line.at_ms
            for line in self._course.lines
            if line.kind == "agentStarted" and line.turn == watch.index
        )
        begun_ms = next(started, None)
        if watch.cut_by_ms is None or begun_ms is None:
            return False
        return now_ms >= begun_ms + watch.cut_by_ms

    async def _until_agent_speaks(self, by_ms: int) -> None:
        course = self._course
        deadline_ms = course.now_ms + AUDIO_TURN_S * 1000
        while course.now_ms < deadline_ms and not course.over:
            course.listen_to_sound()
            started = [line.at_ms for line in course.lines if line.kind == "agentStarted"]
            if started and course.now_ms >= started[0] + by_ms:
                return
            await course.news(self._pace_s)

    async def _sound_of(self, index: int) -> Sound | None:
        """What a turn sounds like, made once and before its time runs."""
        if index not in self._sounds:
            self._sounds[index] = await self._made_sound(self._script.spec.turns[index])
        return self._sounds[index]

    async def _made_sound(self, turn: Turn) -> Sound | None:
        if not self._audio or self._company.studio is None:
            return None
        if turn.say is not None:
            return await self._spoken(turn.say)
        if turn.audio_file is None:
            return None
        digest = self._script.sounds.get(turn.audio_file)
        if digest is None or self._company.sound is None:
            raise InvalidInput(f"the recording {turn.audio_file} is not there")
        return self._company.studio.recording(await self._company.sound(digest))

    async def _spoken(self, words: str) -> Sound:
        caller = self._script.spec.caller
        studio = self._company.studio
        if studio is None:
            raise SpeechUnavailable("nothing here can speak")
        language = caller.language or self._script.language or "en"
        return await studio.speak(words, language=language, voice=caller.voice)

    async def _input(self, turn: Turn, watch: TurnWatch, sound: Sound | None) -> int:
        """Do what the caller does in a turn; when that was through."""
        course = self._course
        if turn.say is not None:
            await self._say(turn.say, sound)
        elif turn.audio_file is not None and sound is not None:
            course.note("callerSaid", text=f"[{turn.audio_file}]")
            await self._play(sound)
        elif turn.dtmf is not None:
            course.note("callerPressed", text=turn.dtmf)
            await self._talk.press(turn.dtmf)
        elif turn.silence is not None:
            course.note("callerWaited", text=format_duration(turn.silence))
        elif turn.inject is not None:
            course.note("injected", text=turn.inject.context)
            await self._talk.inform(turn.inject.context)
        elif turn.as_caller is not None:
            await self._improvise(turn.as_caller, turn.max_turns or IMPROVISED_TURNS, watch)
        sent_ms = watch.start_ms if turn.silence is not None else course.now_ms
        watch.sent(sent_ms)
        return sent_ms

    async def _say(self, words: str, sound: Sound | None) -> None:
        self._course.note("callerSaid", text=words)
        if sound is None:
            await self._talk.say(words)
        else:
            await self._play(sound)

    async def _play(self, sound: Sound) -> None:
        """Speak, and meanwhile go on listening."""
        course = self._course
        studio = self._company.studio
        if studio is not None:
            course.caller_sounds(studio.levels(sound), course.now_ms)
        playing = asyncio.create_task(self._talk.play(sound))
        try:
            while not playing.done() and not course.over:
                course.listen_to_sound()
                await asyncio.wait({playing}, timeout=self._pace_s)
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
        if not playing.cancelled() and (failure := playing.exception()) is not None:
            raise failure

    async def _improvise(self, goal: str, most: int, watch: TurnWatch) -> None:
        """A model speaks for the caller until it is content, or has spoken often enough."""
        caller = self._company.caller
        if caller is None:
            return
        course = self._course
        persona = self._script.spec.caller.persona or ""
        for _ in range(most):
            self._limit = self._exceeded()
            verdict = watch.verdict(course.now_ms)
            broken = isinstance(verdict, Over) and not verdict.goes_on
            if course.over or broken or self._limit is not None:
                return
            words = await caller.next_utterance(persona, goal, tuple(course.lines))
            if words is None or not words.strip():
                return
            words = words.strip()[:SPEECH_MAX_CHARACTERS]
            answer = TurnWatch(
                Turn.model_validate({"say": "improvised"}),
                watch.index,
                watch.mode,
                course.now_ms,
                settle_ms=watch.settle_ms,
                deadline_ms=watch.deadline_ms,
            )
            course.watch(watch, answer)
            await self._say(words, await self._spoken(words) if self._audio else None)
            sent_ms = course.now_ms
            answer.sent(sent_ms)
            over = await self._verdict(answer)
            self._count_reply(watch.index, sent_ms)
            if over is None or not over.goes_on:
                return

    async def _verdict(self, watch: TurnWatch) -> Over | None:
        """Wait until the turn is over; None if the conversation has lasted too long."""
        course = self._course
        lag_ms = LAG_MS if self._audio else 0
        while True:
            self._heed()
            if self._audio:
                course.listen_to_sound()
            now_ms = course.now_ms
            if not course.over and not self._is_cut(watch, now_ms):
                now_ms -= lag_ms
            verdict = watch.verdict(now_ms)
            if isinstance(verdict, Over):
                if await course.look():
                    continue
                return verdict
            self._limit = self._exceeded()
            if self._limit is not None or course.now_ms >= self._limit_ms or course.unreached:
                return None
            wait_ms = min(verdict.until_ms - now_ms, self._limit_ms + 1 - course.now_ms)
            await course.news(min(max(wait_ms, 1) / 1000, self._pace_s))
            await course.glance()

    async def _hear_the_end(self) -> None:
        """What ended the conversation is told by whoever listens, a moment later."""
        if self._listening is not None:
            await asyncio.wait({self._listening}, timeout=GOODBYE_S)

    def _heed(self) -> None:
        """Raises what kept us from listening."""
        if self._listening is not None and self._listening.done() and not self._course.over:
            self._listening.result()

    def _last_word(self, index: int, turn: Turn) -> Over | None:
        """What a turn came to whose input met the end of the conversation."""
        course = self._course
        watch = TurnWatch(turn, index, self._script.spec.mode, course.now_ms)
        for line in course.lines:
            watch.observe(line)
        verdict = watch.verdict(course.now_ms)
        return verdict if isinstance(verdict, Over) else None

    def _count_reply(self, index: int, sent_ms: int) -> None:
        kind = "agentStarted" if self._audio else "agentSaid"
        for line in self._course.lines:
            if line.kind == kind and line.turn == index and line.at_ms >= sent_ms:
                self._reply_ms.append(line.at_ms - sent_ms)
                return

    async def _part(self) -> None:
        """Give the agent time to end what it should end, then hang up."""
        course = self._course
        ends = [line.ends for line in self._script.spec.at_end if line.ends is not None]
        waits = any(each.by == "agent" for each in ends) and self._limit is None
        until_ms = course.now_ms + (GOODBYE_S * 1000 if waits else 0)
        while not course.over and course.now_ms < until_ms:
            await course.news((until_ms - course.now_ms) / 1000)
        if not course.over:
            await self._talk.hang_up()
        await self._hear_the_end()

    async def _conversation(self, trouble: Trouble | None) -> Conversation:
        course, mode = self._course, self._script.spec.mode
        lines = tuple(course.lines)
        duration_ms = lines[-1].at_ms if lines else 0
        if trouble is None and course.trouble is not None:
            trouble = Trouble.of(course.trouble)
        if trouble is None and self._limit is None and self._endless():
            trouble = Trouble("ConversationLost", "the conversation did not come to an end")
        facts = RunFacts(
            conversation_id=self._talk.conversation_id,
            duration_s=duration_ms / 1000,
            cost_usd=counted_usd(
                mode, self._company.rates, lines=lines, duration_s=duration_ms / 1000
            ),
            reply_ms=tuple(self._reply_ms),
            lost="" if trouble is None else trouble.reason,
            lost_message="" if trouble is None else trouble.message,
            limit=self._limit,
            audio=await self._measures(duration_ms),
        )
        return Conversation(lines, tuple(self._overs), facts)

    def _endless(self) -> bool:
        """True if a script without a limit of its own went on for longer than any may."""
        return self._course.now_ms >= self._limit_ms

    async def _measures(self, duration_ms: int) -> AudioMeasures | None:
        course, studio = self._course, self._company.studio
        if not self._audio or studio is None:
            return None
        return measures(
            caller=course.caller_spans,
            agent=course.playback.spans(duration_ms or math.inf),
            duration_ms=duration_ms,
            loudness_lufs=await studio.loudness_lufs(course.agent_sounds),
            clipped_samples=course.playback.clipped_samples,
        )


def _is_answered(turn: Turn) -> bool:
    """True if the input is one an agent replies to at once."""
    return turn.say is not None or turn.audio_file is not None or turn.dtmf is not None
