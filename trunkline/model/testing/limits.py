"""Bounds of conversations under test, and of judging them, each with its reason."""

TURNS_MAX = 200
"""Turns of one conversation test; the platform takes as many lines of history."""
HISTORY_TURNS_MAX = 200
"""Lines a conversation test may start with: the platform's own bound."""
EXPECTATIONS_MAX = 50
"""Expectations of one turn; more of them are another turn or another test."""
STUBS_MAX = 50
"""Answers prepared for one tool."""
TEST_RUNS_MAX = 50
"""Repetitions of one test: the platform's own bound for its tests."""
JUDGE_VOTES_MAX = 9
"""Votes on one question; each is a call of a model."""

TALK_MESSAGE_MAX_BYTES = 16_777_216
"""One message of a conversation; the platform's own client allows as much."""
TALK_EVENTS_MAX = 256
"""Events of a conversation not looked at yet; above it reading waits, and the sender with it."""
TALK_CLOSE_TIMEOUT_S = 3.0
"""How long the end of a conversation may take before the socket is simply dropped."""
TALK_PING_INTERVAL_S = 20.0
"""How often a silent socket is asked whether anybody is there, and how long that may take."""
TALK_QUOTE_MAX_CHARACTERS = 500
"""The platform's own words about a refusal; more of them is a stack nobody reads."""
SOUND_FRAME_MS = 20
"""Sound is sent and measured in pieces of this length, as telephones do it."""
SOUND_MAX_S = 60.0
"""The longest piece of sound a caller plays at once; a longer speech is a second turn."""
SOUND_FILE_MAX_BYTES = 24_000_000
"""A recording of a minute in stereo at 48 kHz with 32 bits a sample, and its header."""
SPEECH_MAX_CHARACTERS = 2_000
"""Words spoken at once: two minutes of speech, cut by ``SOUND_MAX_S`` long before."""
SPEECH_TIMEOUT_S = 20.0
"""Speech is made a hundred times faster than it is spoken; whoever takes longer hangs."""
TALK_RECORD_POLL_S = 0.5
"""How often a conversation's record is looked at until the platform has closed it."""
TALK_RECORD_LOOKS = 20
"""How often at most: ten seconds, while platforms take one or two."""
DESK_POLL_S = 0.5
"""How often a conversation looks for calls of its tools that no event of the platform announced."""
AUDIO_TURN_S = 30.0
"""How long the caller waits for what a turn expects where everything has to be spoken first."""
CONVERSATION_MAX_S = 900.0
"""The longest conversation without a limit of its own."""
TEST_WAIT_MAX_S = 600
"""The longest a script waits for one thing; no caller holds the line longer than ten minutes."""
MANUAL_TRANSCRIPT_MAX_CHARACTERS = 50_000
"""What was said in one call somebody made: more than an hour of it, and within a request."""
MANUAL_TEXT_MAX_CHARACTERS = 4_000
"""Notes of a person about one call: a page of them."""
JUDGE_TIMEOUT_S = 60.0
"""A model that reads a long conversation takes that long at most."""
JUDGE_TRIES = 2
"""Asked again once after an answer that was lost or of no use; then it is unavailable."""
JUDGE_TEXT_MAX_CHARACTERS = 200_000
"""A conversation of an hour, and what it is compared with."""
JUDGE_REASON_MAX_CHARACTERS = 500
"""Of a judge's reason that much is kept."""
JUDGE_ANSWER_MAX_TOKENS = 400
"""A verdict with two sentences; a model that says more is not answering."""
JUDGE_CONCURRENCY = 8
"""Questions to one endpoint at a time, from one process."""
UTTERANCE_MAX_CHARACTERS = 1_000
"""What an improvised caller says in one turn."""
DESK_CALLS_MAX = 1_000
"""Calls of tools answered in one conversation: an agent in a loop makes no more rows than that."""
TOOL_CALL_MAX_BYTES = 262_144
"""Arguments of one call of a tool: what a model writes, and never a file."""
TOOL_CALL_DEPTH_MAX = 64
"""Lists and objects inside each other in the arguments of a call; schemas of tools nest a few."""
TOOL_CALL_READ_S = 5.0
"""How long the arguments of a call may take to arrive; platforms send them in one piece."""
TOOL_QUERY_MAX_CHARACTERS = 16_384
"""Arguments in an address, which servers on the way would cut as well."""
TOOL_QUERY_FIELDS_MAX = 200
"""Arguments of one call: a tool has at most fifty parameters."""
TOOL_TIMEOUT_S = 20.0
"""How long platforms wait for a tool whose manifest does not say."""
TOOL_HOLD_MAX_S = 300.0
"""How long a call is kept waiting at most: the longest a platform waits for a tool."""
TEST_RUNS_PAGE_MAX = 50
"""Runs in one page: each comes with all its tests."""
TESTS_PER_RUN_MAX = 500
"""Tests in one request; more of them are two requests."""
TEST_CONVERSATIONS_MAX = 2_000
"""Conversations one request may have: each is three events in one history, which takes 50,000."""
TESTS_CONCURRENT = 40
"""Tests of one run at work at once, as many as a worker has conversations: twice what an account
usually allows, so that a place that falls free is taken at once."""
TALK_PLACES_RESERVED = 2
"""Conversations of an account that tests leave free for callers, if it allows more than that."""
TALK_PLACES_DEFAULT = 5
"""Conversations at once on an account that does not say how many it allows."""
TALK_PLACE_POLL_S = 0.5
"""How often the first one in line for a place asks again: a conversation takes far longer."""
TALK_PLACE_WAIT_S = 600.0
"""How long nobody in line may get a place before conversations are called exhausted."""
TALK_LINE_MAX_S = 5_400.0
"""How long a conversation stands in line at most: behind forty of two minutes on a single place,
and shorter than what is held for its run."""
TALK_PLACE_S = 60.0
"""How long a place lasts unless it is kept: that long it is missing after a worker died."""
TEST_HOLD_S = 7_200.0
"""How long a branch or tool is held for a run that is not heard of any more; longer than any
conversation with its wait for a place."""
TEST_PUT_AWAY_S = 60.0
"""How long putting something away may take before somebody else may begin with it."""
ABANDONED_PER_RUN = 20
"""Things left behind by runs that were cut off, put away at the end of the next one."""
PLATFORM_TESTS_CONCURRENT = 4
"""Tests made on a platform side by side before a run; each is a look-up and a create."""
PLATFORM_TESTS_POLL_S = 1.0
"""How soon a platform is first asked how far its tests are; one reply takes about that long."""
PLATFORM_TESTS_POLL_MAX_S = 20.0
"""How long it is left alone at most: simulations take minutes."""
PLATFORM_TESTS_PATIENCE = 1.5
"""By how much each pause is longer than the one before."""
PLATFORM_TESTS_MAX_S = 1_800.0
"""After that what has no verdict is inconclusive: fifty simulations side by side take less."""
PLATFORM_LEFT_OUT_MAX = 1_000
"""Parts of tests that are named in one report because a platform cannot say them."""
PLATFORM_RUNS_MAX = 400
"""Runs asked for at once: each comes back with what was said, and all of them in one answer."""
RETEST_RUNS_MIN = 3
"""Runs of each test of a retest: with fewer a total failure hardly shows beside a good past."""
RETEST_EVERY_MIN_S = 60.0
"""Released agents are tested again once a minute at most: every time costs conversations."""
RETEST_BASELINE_RUNS_MAX = 50
"""Runs of a test after which its baseline stays as it is, so that a slow decline is not learnt."""
RETESTS_PER_BATCH = 100
"""Agents tested again in one history; the next hundred go on in a new one."""
RETESTS_CONCURRENT = 4
"""Agents of an environment tested again at once: callers and promotions need the account too."""
RETEST_LINES_MAX = 20
"""Failing lines kept of one retest; the reports of its runs have all of them."""
