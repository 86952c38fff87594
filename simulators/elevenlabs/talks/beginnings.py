"""From an agent that was reached to a conversation with it, and to the record it leaves.

However a conversation came about, by a client's socket or by telephone, it begins and ends here:
branch and version, what the client asked for, a mind, a talk, its record. Nothing here lets
anybody in.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulators.elevenlabs import configs
from simulators.elevenlabs.conversations import Conversations
from simulators.elevenlabs.errors import Refused
from simulators.elevenlabs.history import History
from simulators.elevenlabs.mind import Act, Mind, MissingVariables
from simulators.elevenlabs.talks.hearing import Hearing
from simulators.elevenlabs.talks.initiation import (
    CONTRACT,
    Initiation,
    Unacceptable,
    initiation,
    missing_variables,
    system_variables,
    wanted_texts,
)
from simulators.elevenlabs.talks.link import OPERATIONAL, Link, TalkOver
from simulators.elevenlabs.talks.minds import Made, Minds
from simulators.elevenlabs.talks.speech import AudioVoice
from simulators.elevenlabs.talks.steady import SteadyTalk, SteadyVoice, VoiceMode
from simulators.elevenlabs.talks.talk import Subject, Talk, hung_up
from simulators.elevenlabs.talks.transcripts import Transcript
from simulators.elevenlabs.talks.troubles import Troubles
from simulators.elevenlabs.talks.webhooks import Outcome, Webhooks
from simulators.elevenlabs.workspace import Workspace, all_of
from simulators.sound import ULAW
from simulators.wire import Json, SocketClosed


@dataclass(frozen=True, slots=True)
class Wish:
    """Which conversation is wanted of an agent; a version wins over a branch."""

    conversation_id: str
    branch_id: str | None = None
    version_id: str | None = None
    environment: str = "production"
    authorization: str = "public"


@dataclass(frozen=True, slots=True)
class Reached:
    """The agent of a talk at the version that answers."""

    agent: Json
    branch: Json
    version: Json
    config: Json
    wish: Wish

    def by_telephone(self) -> Reached:
        """The same, speaking and hearing as telephones do."""
        config = deepcopy(self.config)
        parts = config["conversation_config"]
        parts["asr"]["user_input_audio_format"] = ULAW
        parts["tts"]["agent_output_audio_format"] = ULAW
        parts["conversation"]["text_only"] = False
        return replace(self, config=config)

    def start(self, message: Json) -> Initiation:
        """What a first message asks of the agent. Raises Unacceptable (1008)."""
        return initiation(
            message, self.config["conversation_config"], self.config["platform_settings"]
        )


class Beginnings:
    """Begins conversations and ends them."""

    def __init__(
        self,
        workspace: Workspace,
        history: History,
        conversations: Conversations,
        webhooks: Webhooks,
        troubles: Troubles,
        *,
        commit: Callable[[], None],
        over: Callable[[Json, Json], None],
    ) -> None:
        """``over`` is told a record and the agent's platform settings when a talk is over."""
        self._space = workspace
        self._history = history
        self._conversations = conversations
        self._webhooks = webhooks
        self._troubles = troubles
        self._commit = commit
        self._over = over
        self.minds = Minds(workspace)
        self.hearing = Hearing()
        self.steady = SteadyVoice()

    def reached(self, agent: Json, wish: Wish) -> Reached:
        """The version that answers. Raises Unacceptable (1008)."""
        try:
            if wish.version_id:
                version = self._history.version(agent, wish.version_id)
                branch = self._history.branch(agent, version["branch_id"])
            else:
                branch = (
                    self._history.branch(agent, wish.branch_id)
                    if wish.branch_id
                    else self._routed(agent, wish.conversation_id)
                )
                version = self._history.tip(branch)
        except Refused as error:
            raise Unacceptable(CONTRACT, "The branch or version does not exist.") from error
        if branch["is_archived"]:
            raise Unacceptable(CONTRACT, "The branch is archived.")
        config = configs.expanded(version["config"])
        return Reached(agent=agent, branch=branch, version=version, config=config, wish=wish)

    def _routed(self, agent: Json, conversation_id: str) -> Json:
        """The branch the split of the traffic gives this conversation."""
        branches = all_of(self._space.branches, agent["branches"])
        live = [branch for branch in branches if branch["live_percentage"] > 0]
        dice = self._space.dice("traffic", conversation_id)
        weights = [branch["live_percentage"] for branch in live]
        return dice.choices(live, weights)[0]

    async def hold(
        self,
        link: Link,
        reached: Reached,
        message: Json,
        *,
        phone_call: Json | None = None,
        attend: Callable[[Talk], None] | None = None,
    ) -> None:
        """Converse until it is over. Raises Unacceptable when it cannot begin.

        ``phone_call`` is what the record says of the telephone; ``attend`` gets the talk before
        anything is said.
        """
        start = reached.start(message)
        if self.steady.settings.mode is not VoiceMode.WORDS and not start.text_only:
            await self._hold_steady(link, reached, start, phone_call)
            return
        talk, made, opening = self._begun(link, reached, start, phone_call)
        if attend is not None:
            attend(talk)

        async def converse() -> TalkOver:
            await talk.announce(reached.wish.conversation_id)
            return await talk.run(opening)

        record = self._recorded(reached, start, talk.transcript, phone_call)
        language = partial(_language_of, made)
        await self._run(record, reached, talk.transcript, converse, language)

    async def _hold_steady(
        self, link: Link, reached: Reached, start: Initiation, phone_call: Json | None
    ) -> None:
        transcript = self._transcript(reached)
        talk = SteadyTalk(link, start, self.steady)
        record = self._recorded(reached, start, transcript, phone_call)

        async def converse() -> TalkOver:
            return await talk.run(reached.wish.conversation_id)

        def language() -> str:
            return str(start.config["agent"]["language"])

        await self._run(record, reached, transcript, converse, language)

    def _transcript(self, reached: Reached) -> Transcript:
        began_s = self._space.clock.now()
        agent_metadata = {
            "agent_id": reached.agent["agent_id"],
            "branch_id": reached.branch["id"],
            "workflow_node_id": None,
            "version_id": reached.version["id"],
        }
        return Transcript(agent_metadata, lambda: self._space.clock.now() - began_s)

    def _begun(
        self, link: Link, reached: Reached, start: Initiation, phone_call: Json | None
    ) -> tuple[Talk, Made, list[Act]]:
        space, conversation_id = self._space, reached.wish.conversation_id
        settings = self._troubles.settings
        made = self.minds.make(start.config, reached.agent["tags"], settings, conversation_id)
        missing = missing_variables(
            wanted_texts(start.config, list(made.tools.values())), start.variables
        )
        if missing:
            raise Unacceptable(CONTRACT, _missing(missing))
        now = _moment(space.clock.now(), start.config["agent"]["prompt"].get("timezone"))
        variables = {
            **system_variables(reached.agent["agent_id"], conversation_id, now, phone_call),
            **start.variables,
        }
        try:
            opening = made.mind.open(variables, now)
        except MissingVariables as error:
            raise Unacceptable(CONTRACT, _missing(list(error.names))) from error
        subject = Subject(
            mind=made.mind,
            tools=made.tools,
            think_s=made.think_s,
            use=partial(self._use, variables),
            renew=partial(self._renewed, reached, start, variables, now),
        )
        link.choose(start.config["conversation"]["client_events"])
        talk = Talk(link, subject, start, self._transcript(reached), space.clock)
        if not start.text_only:
            talk.voice = AudioVoice(talk, self.hearing, self._troubles.settings)
        return talk, made, opening

    def _renewed(
        self, reached: Reached, start: Initiation, variables: Mapping[str, Any], now: datetime
    ) -> Mind:
        settings, tags = self._troubles.settings, reached.agent["tags"]
        mind = self.minds.make(start.config, tags, settings, reached.wish.conversation_id).mind
        mind.open(variables, now)
        return mind

    async def _use(self, variables: dict[str, Any], tool: Json, arguments: Json) -> Outcome:
        outcome = await self._webhooks.call(tool, arguments, variables, self._space.secret_of)
        variables.update(outcome.updates)
        return outcome

    def _recorded(
        self,
        reached: Reached,
        start: Initiation,
        transcript: Transcript,
        phone_call: Json | None,
    ) -> Json:
        record = self._conversations.begin(
            conversation_id=reached.wish.conversation_id,
            agent=reached.agent,
            branch_id=reached.branch["id"],
            version_id=reached.version["id"],
            authorization=reached.wish.authorization,
            environment=reached.wish.environment,
            start=start,
            lines=transcript.lines,
            phone_call=phone_call,
        )
        self._commit()
        return record

    async def _run(
        self,
        record: Json,
        reached: Reached,
        transcript: Transcript,
        converse: Callable[[], Coroutine[Any, Any, TalkOver]],
        language: Callable[[], str],
    ) -> None:
        over = TalkOver(OPERATIONAL, "The talk was cut short.")
        settings = reached.config["platform_settings"]
        try:
            over = await converse()
        except SocketClosed as closed:
            over = hung_up(closed)
        finally:
            self._conversations.end(
                record,
                transcript,
                over,
                criteria=settings["evaluation"]["criteria"],
                language=language(),
                analysis_lag_s=self._troubles.settings.analysis_lag_s,
            )
            self._commit()
            self._over(record, settings)


def _language_of(made: Made) -> str:
    return made.mind.language


def _missing(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names)
    return f"Missing required dynamic variables: {shown}."


def _moment(unix_s: float, timezone: str | None) -> datetime:
    try:
        zone = ZoneInfo(timezone) if timezone else UTC
    except (ZoneInfoNotFoundError, ValueError):
        zone = UTC
    return datetime.fromtimestamp(unix_s, zone)
