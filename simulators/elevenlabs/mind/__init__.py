"""How a simulated agent answers: a small machine of retrieval and rules, pure and seeded.

What is in use elsewhere::

    mind = Mind(config, documents, tools, seed=7, misbehaviour=Misbehaviour())
    mind.open(variables, now)            -> list[Act]; raises MissingVariables(names)
    mind.hear(text)                      -> list[Act]
    mind.tool_answered(call_id, result, is_error=False) -> list[Act]
    mind.inform(text)                    contextual update; nothing is said
    mind.keys("12#")                     -> list[Act]
    mind.silent_for(seconds)             -> list[Act]
    mind.resume(history)                 takes up after what was said before (chat_history)
    mind.language, mind.delay_ms, mind.ended

``config`` is ``conversation_config`` as stored; ``documents`` are ``Document``s; ``tools`` the wire
``tool_config``s of webhook and client tools (without the built-in ones, which ``config`` names);
``variables`` are the dynamic variables of the conversation, over the placeholders of the
configuration; ``now`` an aware datetime, which the variable ``system__time`` replaces.
"""

from simulators.elevenlabs.mind.acts import (
    Act,
    CallTool,
    Document,
    End,
    Misbehaviour,
    MissingVariables,
    Say,
    SwitchLanguage,
)
from simulators.elevenlabs.mind.mind import Mind

__all__ = [
    "Act",
    "CallTool",
    "Document",
    "End",
    "Mind",
    "Misbehaviour",
    "MissingVariables",
    "Say",
    "SwitchLanguage",
]
