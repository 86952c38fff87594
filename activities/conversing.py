"""One conversation of a test, held over ports: by a worker and by the command line alike.

What it would need and nobody has is found before anybody is called; trouble with the platform is
part of the answer, because it says nothing about the agent. Nothing is judged here: whoever called
does that, with everything that was said.
"""

from dataclasses import replace

from activities.conversation_course import Course
from activities.conversation_parts import Company, Conversation, Trouble
from activities.script_driving import ScriptDrive
from trunkline.model.base import JsonObject
from trunkline.model.errors import (
    InvalidInput,
    PhoneNotAvailable,
    PlatformError,
    RateLimited,
    SpeechUnavailable,
    TrunklineError,
)
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.talk import TalkRequest
from trunkline.model.testing.verdicts import RunFacts
from trunkline.ports.talking import Talks

__all__ = [
    "Company",
    "Conversation",
    "Trouble",
    "converse",
    "lost_conversation",
    "with_variables",
]

SYSTEM_TIME = "system__time"
"""The variable by which agents know what time it is."""


async def converse(
    script: Script, request: TalkRequest, company: Company, *, desk_id: str = ""
) -> Conversation:
    """Hold the conversation of a script once.

    ``request`` says whom to call and brings the variables only the caller knows; those of the
    script, its clock and its noise are added here. Trouble with the platform, the sound or the
    improvising model is part of the answer. Raises RateLimited if there was no free place, and
    StoreUnavailable.
    """
    missing = _missing(script, company)
    if missing is not None:
        return _without(missing)
    try:
        wanted = _request(script, request, company)
        async with company.talks.open(wanted) as talk:
            course = Course(
                talk,
                script,
                clock=company.clock,
                desks=company.desks,
                desk_id=desk_id,
                studio=company.studio if script.spec.mode != "text" else None,
            )
            held = await ScriptDrive(talk, script, company, course).run()
        return await with_variables(script, held, company.talks)
    except RateLimited:
        raise
    except (PlatformError, SpeechUnavailable, InvalidInput) as error:
        return lost_conversation(error)


async def with_variables(script: Script, held: Conversation, talks: Talks) -> Conversation:
    """The conversation with the variables it ended with, where the script asks for them."""
    asked = any(line.variables is not None for line in script.spec.at_end)
    if not asked or held.facts.lost or not held.facts.conversation_id:
        return held
    try:
        variables = await talks.variables(held.facts.conversation_id)
    except PlatformError:
        return held  # nobody can tell, and that is what the check then says
    return replace(held, facts=held.facts.model_copy(update={"variables": variables}))


def lost_conversation(error: TrunklineError) -> Conversation:
    """A conversation nothing is known of, and why."""
    return _without(Trouble.of(error))


def _without(trouble: Trouble) -> Conversation:
    return Conversation((), (), RunFacts(lost=trouble.reason, lost_message=trouble.message))


def _missing(script: Script, company: Company) -> Trouble | None:
    """What the conversation would need and nobody has."""
    spec = script.spec
    if spec.mode == "phone" and not company.is_phone:
        return Trouble(
            PhoneNotAvailable.reason,
            "nobody here can place a call; servers can: run the test without --local, or in audio",
        )
    if spec.mode != "text" and company.studio is None:
        return Trouble("SpeechUnavailable", "nothing here can speak; run the test in text")
    if spec.improvised and company.caller is None:
        return Trouble(
            "CallerModelNotConfigured",
            "the test has turns that a model improvises, and none is configured;"
            " set TRUNKLINE_JUDGE_URL and TRUNKLINE_JUDGE_MODEL",
        )
    return None


def _request(script: Script, request: TalkRequest, company: Company) -> TalkRequest:
    spec = script.spec
    variables: JsonObject = dict(spec.variables)
    if spec.clock is not None:
        variables[SYSTEM_TIME] = spec.clock.isoformat()
    noise = spec.caller.noise
    background = None
    if spec.mode != "text" and noise is not None and company.studio is not None:
        background = company.studio.background(noise, int(script.test_digest[-8:] or "0", 16))
    return request.model_copy(
        update={
            "text_only": spec.mode == "text",
            "background": background,
            "variables": {**variables, **request.variables},
        }
    )
