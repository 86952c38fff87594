"""Every bound of the simulators, each with its reason.

Kept apart from the product's own bounds because the simulators know nothing of the product.
"""

from __future__ import annotations

# The vendors refuse larger management requests; a prompt with its documents stays far below.
MAX_BODY_BYTES = 8 * 1024 * 1024
# ElevenLabs takes files of 21 MB for documents; the form around one is a few hundred bytes.
MAX_UPLOAD_BYTES = 21 * 1024 * 1024
# Enough to see what one test did; older entries fall off so a benchmark cannot eat the memory.
MAX_LOGGED_REQUESTS = 2_000
# A fault plan is written by a person or a test; more than this is a mistake.
MAX_FAULTS = 200
# Requests that still have to take effect after their answer: each holds its body.
MAX_PENDING_EFFECTS = 1_000
# A hang must end so that a forgotten fault cannot hold a connection for ever.
MAX_HANG_S = 600.0
MAX_LATENCY_MS = 60_000
# List lag is a matter of seconds at the vendors; an hour is already a caricature.
MAX_LIST_LAG_S = 3_600.0
MAX_LIST_LAG_READS = 1_000
# Page bounds as the vendors publish them.
ELEVENLABS_PAGE_SIZE = 30
ELEVENLABS_MAX_PAGE_SIZE = 100
TWILIO_PAGE_SIZE = 50
TWILIO_MAX_PAGE_SIZE = 1_000
# ElevenLabs shows only the latest versions with a branch.
BRANCH_RECENT_VERSIONS = 10
# A late replica shows a deleted object only for so long; a fleet is some ten thousand objects.
MAX_REMEMBERED_DELETIONS = 10_000
# Objects whose creations and deletions are counted; the oldest fall off, so that a benchmark that
# creates for days cannot eat the memory.
MAX_TALLIED_OBJECTS = 100_000
# Late replicas catch up within a few fetches; more is a caricature.
MAX_FETCH_LAG_READS = 1_000
# Foreign edits waiting for the next write of an agent.
MAX_QUEUED_EDITS = 100
# Tree depth a request body may have before it is called malformed.
MAX_BODY_DEPTH = 64
# Graceful stop: an answer in flight gets this long before its connection is cut.
SHUTDOWN_GRACE_S = 2
# Longer than any client pool keeps an idle connection, so the client closes first.
KEEP_ALIVE_S = 120
# One simulator calling the other over loopback answers at once, or latency was asked for.
LINK_TIMEOUT_S = 70.0
# Audio comes in pieces of a fraction of a second; the vendor's client takes 16 MiB, sends far less.
MAX_SOCKET_MESSAGE_BYTES = 1024 * 1024
# What a WebSocket closing frame can carry beside its code.
MAX_CLOSE_REASON_BYTES = 123
# Talks that may be open at once: each holds a configuration and what was said.
MAX_TALKS = 1_000
MAX_TALK_FAULTS = 100
# The vendor's signed addresses are good for a quarter of an hour.
SIGNATURE_LIFETIME_S = 900.0
# A talk of an hour has some hundred lines; beyond this only the newest are kept.
MAX_TRANSCRIPT_LINES = 2_000
# Things a client may tell the agent beside the conversation; each is part of what it knows.
MAX_CONTEXTS = 200
# What the client said and the agent has not come to yet.
MAX_QUEUED_INPUTS = 200
# Acts in answer to one input; an agent that calls tools in a circle ends here.
MAX_ACTS = 60
# A tool's answer is read by a language model; more does not fit its attention either.
MAX_TOOL_ANSWER_BYTES = 256 * 1024
TOOL_CONNECT_TIMEOUT_S = 5.0
# The first message has to come at once; clients send it with the handshake's last byte.
INITIATION_TIMEOUT_S = 10.0
# Sounds with known words, and how long one utterance may be.
MAX_HEARINGS = 500
MAX_HEARD_S = 60.0
# Invocations that stay readable; the oldest fall off.
MAX_INVOCATIONS = 2_000
# Runs of one invocation: the vendor takes 5,000 tests 50 times, which nobody would wait for here.
MAX_TEST_RUNS = 5_000
# Conversations that stay readable; the oldest fall off.
MAX_KEPT_CONVERSATIONS = 10_000
# Calls whose sound has not arrived: a telephone rings for ten minutes at most.
MAX_EXPECTED_CALLS = 1_000
# Calls whose end somebody may still report.
MAX_REMEMBERED_CALLS = 10_000
# Deliveries of webhooks that are listed; the oldest fall off.
MAX_DELIVERIES = 1_000
# Webhooks of one workspace, as a bound on what each conversation sets off.
MAX_WEBHOOKS = 100
