"""Bounds of notifications, each with its reason."""

from typing import Final

QUIET_S: Final = 600.0
"""How long a subject that goes back and forth is told of in one message: a person who was told
looks within that time, and until then another message says nothing new."""
SETTLE_S: Final = 60.0
"""How long something that recovered stays well before that is told."""
MESSAGES_MAX: Final = 20
"""Messages to one recipient within QUIET_S; what happens beyond them is told in one. An account
that is down stalls a whole fleet, and nobody reads a thousand lines of it."""
OVERFLOW_S: Final = 120.0
"""How long what exceeds MESSAGES_MAX is gathered before it is told."""
FIRST_LOOK_S: Final = 900.0
"""How far back the first look at a project goes; older events are nobody's news."""
CHAPTERS_LOOKED_BACK: Final = 50
"""Rows of a topic that decide about the next one: more than that within QUIET_S are a flood."""
EVENTS_PER_LOOK: Final = 200
"""Events decided about at once, in one transaction."""
HELD_PER_LOOK: Final = 5_000
"""Events gathered into messages at one look; the rest is gathered at the next."""
STARTED_AGAIN_S: Final = 60.0
"""A delivery nobody seems to work on is started again after that; a running one does not mind."""
UNREACHED_AFTER_S: Final = 600.0
"""How long a message is tried in vain before its recipient counts as one that is not reached."""
NAMES_SHOWN: Final = 10
"""Subjects a message that sums up names."""
MESSAGE_SHOWN_CHARACTERS: Final = 1_500
"""Of what an event says; Slack takes 3,000 characters in a block, escaped ones count five times."""
ANSWER_MAX_BYTES: Final = 8_192
"""Of a recipient's answer: a word, or a sentence about what is wrong."""
ANSWER_SHOWN_CHARACTERS: Final = 200
"""Of a recipient's answer in a list or an event."""
REQUEST_TIMEOUT_S: Final = 10.0
"""One try, from the look-up of the name to the last byte of the answer."""
RETRY_AFTER_MAX_S: Final = 3_600.0
"""A recipient that asks for more patience is asked again after an hour all the same."""
