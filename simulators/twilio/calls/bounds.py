"""Every bound and pace of telephone calls here, each with its reason."""

from __future__ import annotations

# The public network carries 8,000 samples a second; Media Streams carries frames of 20 ms.
RATE = 8_000
FRAME_S = 0.02
FRAME_BYTES = 160
# The vendor waits so long for a document before it gives up.
WEBHOOK_TIMEOUT_S = 15.0
# What the vendor reads of a TwiML document.
MAX_TWIML_BYTES = 64 * 1024
# What the vendor takes as TwiML in a request.
MAX_INLINE_TWIML = 4_000
# Documents that follow each other in one call: music every twenty seconds for an hour is below it.
MAX_DOCUMENTS = 200
# A stream that does not open in this time is given up.
STREAM_OPEN_TIMEOUT_S = 5.0
# A closing handshake nobody answers is cut.
STREAM_CLOSE_TIMEOUT_S = 2.0
# A simulator that stops waits so long for the closing handshakes of its streams.
STREAM_GONE_S = 0.5
# A message holds a piece of sound; whoever sends seconds at once still stays far below.
MAX_STREAM_MESSAGE_BYTES = 1024 * 1024
# A server that does not read what a stream sends is cut at this much: half a minute of frames.
MAX_UNREAD_BYTES = 512 * 1024
# Sound a server may send ahead of what is played.
MAX_BUFFERED_S = 900.0
# A parameter of a stream: its name and value together.
MAX_PARAMETER = 500
# What a call keeps of what its caller heard; later sound is counted and not kept.
MAX_KEPT_SOUND_S = 3_600.0
# What a call notes about itself.
MAX_EVENTS = 20_000
# Calls whose sound and events stay readable; the oldest that are over fall off.
MAX_KEPT_CALLS = 200
# What callers left by ``<Record>``; the oldest fall off.
MAX_KEPT_RECORDINGS = 100
# Calls that stay in the account's list.
MAX_LISTED_CALLS = 20_000
MAX_LIVE_CALLS = 2_000
# The vendor's own limits of a call.
DEFAULT_RING_S = 60
MAX_RING_S = 600
LONGEST_CALL_S = 14_400
DEFAULT_DIAL_S = 30
MAX_DIGITS = 32
CALLS_PER_SECOND = 1.0
# A script is written by a person or a test.
MAX_SCRIPT_ITEMS = 500
MAX_WAIT_MS = 600_000
# Silence of the other side that ends what it says: words follow each other faster.
QUIET_MS = 400
# How long a script waits for something that does not come.
PATIENCE_MS = 15_000
MAX_PEOPLE = 10_000
MAX_HOSTS = 100
MAX_CALLBACK_FAULTS = 100
MAX_JITTER_MS = 5_000
MAX_BURST_FRAMES = 250
MAX_PENDING_CALLBACKS = 10_000
