"""Bounds of live calls. Each says what it protects, so that whoever moves it knows what for."""

from typing import Final

CALL_FORM_MAX_BYTES: Final = 64 * 1024
"""A carrier's form about a call: some forty fields of a line each."""
CALL_HOLDER_SILENT_MAX_S: Final = 30.0
"""A process that carries a call says so every few seconds; after six missed ones it is gone."""
SEEN_REQUESTS_KEPT_S: Final = 86_400.0
"""Longer than any signature is believed, so that tidying up for one kind forgets no other's."""
SEEN_REQUESTS_TIDIED_MAX: Final = 100
"""Rows one request tidies up: more than it adds, few enough to go unnoticed."""
NEWS_BACKLOG_MAX: Final = 1_000
"""News one listener has not taken: two minutes of a busy project. Who is later looks at rows."""
SOUND_PIECE_S: Final = 0.1
"""Audio is told in pieces of that length: ten messages a second for each track of a heard call."""
SOUND_PIECE_MAX_BYTES: Final = 4_800
"""As text and with what it belongs to it stays below the 8,000 bytes that NOTIFY takes."""
SOUND_BACKLOG_MAX_BYTES: Final = 40_000
"""Audio of a track that is not told yet: five seconds, the oldest of which is left out first."""
SOUND_BACKLOG_MAX: Final = 100
"""Pieces one listener has not taken: five seconds of both tracks."""
LISTENERS_TOLD_EVERY_S: Final = 2.0
"""Processes say so often which calls somebody hears by way of them."""
LISTENERS_KNOWN_S: Final = 6.5
"""A process that said nothing for three times has no listeners any more."""
HAPPENINGS_PAGE: Final = 200
"""Rows that are read at once for whoever follows: under 1 MB even of long sentences."""
HAPPENINGS_LOOK_S: Final = 5.0
"""Whoever follows looks that often even if nothing was told."""
STREAMS_MAX: Final = 500
"""WebSockets of watchers and listeners of a process: each costs about 100 KB."""
STREAMS_PER_TOKEN_MAX: Final = 50
"""So that one forgotten loop takes no place from the others."""
STREAM_HEARTBEAT_S: Final = 10.0
"""How often a stream says that it lives, and asks whether its token does."""
STREAM_SEND_MAX_S: Final = 10.0
"""Whoever takes nothing for so long has gone away or hangs."""
STREAM_UNCHECKED_MAX_S: Final = 60.0
"""A token nobody could check for so long is believed no more."""
CALL_SLOTS_MAX: Final = 50
"""Slots a call ever had: what the agent is to know beyond that belongs into its prompt."""
NOTE_MAX_CHARACTERS: Final = 2_000
"""A note is a sentence or two that the agent gets to know."""
SUMMARY_MAX_CHARACTERS: Final = 1_000
"""A summary is spoken to a person who is about to take over: a minute."""
SLOT_EXPIRY_MAX_S: Final = 86_400.0
"""Longer than any call."""
COMMAND_WAIT_MAX_S: Final = 10.0
"""How long a request may wait for its command to be carried out."""
COMMAND_LOOK_S: Final = 0.1
"""One indexed read; a command is carried out within a few tenths of a second."""
CALL_NEWS_AGE_MAX_S: Final = 3_600.0
"""A call that is read after that long is history, and nobody waits to be told of it."""
CALL_EVENTS_READ_MAX: Final = 10_000
"""Events of one call that are read for its transcript: many hours of talk, some 5 MB."""
CALLS_EXPORTED_AT_ONCE: Final = 100
"""Records an export holds in memory at once."""
CALLS_COUNTED_MAX: Final = 1_000
"""The newest calls of an agent its numbers are made of: 2 MB that are read whenever asked."""
CALLS_KEPT_EVERY_S: Final = 60.0
"""How often a project's calls are looked after: soon enough for whoever reads them."""
CALL_ABANDONED_S: Final = 60.0
"""Twice as long as a process may be silent: by then another one would have said that it goes on."""
CALL_UNHEARD_OF_S: Final = 86_400.0
"""A call without a carrier's id belongs to its order; after a day nobody follows that any more."""
CALLS_TENDED_MAX: Final = 2_000
"""Calls one look goes through: more than end in an hour of a busy line."""
CALLS_TENDED_PAGE: Final = 100
"""Records a look holds in memory at once."""
CALLS_FORGOTTEN_AT_ONCE: Final = 200
"""Calls whose words are deleted in one transaction: some ten thousand rows."""
CALL_PRICE_ASKED_EVERY_S: Final = 600.0
"""A carrier prices a call some minutes after its end; asking more often brings nothing."""
CALL_PRICE_KNOWN_S: Final = 3_700.0
"""What a carrier has not said in an hour, it will not say in the next."""
NATIVE_CALLS_FIRST_LOOK_S: Final = 3_600.0
"""How far back the first look goes: what was before Trunkline is the platform's history."""
NATIVE_CALLS_LAG_S: Final = 300.0
"""How much later than a call's start a platform's list may show it."""
NATIVE_CALLS_LISTED_MAX: Final = 1_000
"""Conversations of a list that are looked at together, ten pages; a longer one is cut by time."""
NATIVE_CALLS_READ_MAX: Final = 200
"""Conversations one look reads, one request each, so that it ends within minutes."""
NATIVE_CALLS_STILL_READ_S: Final = 86_400.0
"""How long calls are read on after the last number left the platform."""
RECORDING_PARTS_AT_ONCE: Final = 12
"""Parts of a recording in memory at once: a minute, under 1 MB."""
CALLS_AT_ONCE_DEFAULT: Final = 10
"""Calls an agent places at once where its manifest says nothing: a team's phones, no campaign."""
CALL_ORDER_LIFETIME_S: Final = 7 * 86_400.0
"""An order that could not be carried out in a week is about something that is over."""
CALL_ORDER_LOOK_S: Final = 30.0
"""How often a call is asked about that nobody reports of: a lost report costs half a minute."""
CALL_ORDER_PLACE_S: Final = 2.0
"""How soon somebody who waits for a free place looks again: calls end every few seconds."""
CALL_ORDER_REST_S: Final = 3_600.0
"""How often an order that waits for a time looks whether Git or people changed their mind."""
CALL_OVERTIME_S: Final = 60.0
"""The carrier ends a call that is too long by itself; after so long it is told again."""
CALL_PLACING_MAX_S: Final = 900.0
"""How long a carrier may refuse to take a call; later nobody expects it any more."""
CALL_RING_TIMEOUT_S: Final = 60
"""How long it rings before nobody answers: the carriers' own default."""
CALL_CLOCK_SKEW_S: Final = 5.0
"""How far the carrier's clock may be behind ours when a call is looked for."""
CALL_ORDERS_WOKEN_MAX: Final = 200
"""Open orders a project's look starts again at once; the next look takes the rest."""
DO_NOT_CALL_REASON_MAX_CHARACTERS: Final = 500
"""A sentence about why."""

BRIDGED_CALLS_MAX: Final = 200
"""Calls one process bridges at once: far above what one core carries in time, so that it is load
that is felt first and memory that is protected."""
STREAM_MESSAGE_MAX_BYTES: Final = 65_536
"""One message of a carrier's stream: 20 ms of speech are 400 bytes, a beginning a few thousand."""
STREAM_BEGIN_TIMEOUT_S: Final = 10.0
"""How long a media stream may be open before it says which call it is; carriers do so at once."""
STREAM_AHEAD_MAX: Final = 1_000
"""Messages of a stream that wait while the agent is connected: twenty seconds of speech."""
CALLER_FRAMES_MAX: Final = 50
"""Frames of the caller that wait for the platform, a second of speech: what is older nobody can
answer in time."""
PLATFORM_UNSENT_MAX_BYTES: Final = 16_384
"""Bytes for the platform that the system keeps: about a second of speech, coded for its socket."""
MARK_EVERY_MS: Final = 200
"""How much of a reply goes between two marks: so exactly is known what the caller heard of it."""
MARKS_OPEN_MAX: Final = 2_000
"""Marks not answered yet: more than six minutes of speech ahead of the caller's ear."""
LEG_DEAD_S: Final = 15.0
"""A carrier sends a frame every 20 ms, whoever is silent, and both sides take what they are sent at
once: a leg that does not for so long is dead."""
LEG_LOOK_S: Final = 1.0
"""How often legs are looked at."""
PLAY_OUT_SLACK_S: Final = 2.0
"""How much longer than it lasts the agent's last sentence may take to be played."""
PLAY_OUT_MAX_S: Final = 60.0
"""How long a caller is kept on the line for it at most."""
CALL_CONNECT_TIMEOUT_S: Final = 8.0
"""How long a caller hears nothing while the agent is connected; then the apology is better."""
LINE_CLOSE_TIMEOUT_S: Final = 0.5
"""How long a platform may take to answer a close, while the caller hears nothing: it was told."""
CALL_LEAVE_TIMEOUT_S: Final = 5.0
"""How long the end of a leg may take before it is dropped."""
CALL_STEER_TIMEOUT_S: Final = 10.0
"""How long a carrier may take to redirect or end a call."""
RECORDING_PART_MS: Final = 5_000
"""A part of a recording: 40 kB a track, and what is lost at most with a process."""
JOURNAL_WRITES_MAX: Final = 2_000
"""Writes of one call that wait for the database: events of an hour of talk, and its recording's
parts within their own bound."""
JOURNAL_PARTS_MAX: Final = 60
"""Parts of a recording among them: five minutes, 5 MB a call."""
JOURNAL_BATCH_MAX: Final = 50
"""Events written in one statement."""
JOURNAL_RETRY_S: Final = 1.0
"""How long a journal waits for a database that does not answer before it tries again."""
JOURNAL_SETTLE_S: Final = 2.0
"""How long the end of a call waits for its record: whoever is asked what the caller hears next
reads it."""
JOURNAL_LEAVE_S: Final = 3.0
"""How long a process that stops waits for what calls left to be written."""
HOLD_EVERY_S: Final = 5.0
"""How often a process says that it carries its calls."""
PLATFORM_NEWS_MAX_BYTES: Final = 4 * 1024 * 1024
"""A transcript of the longest call with all of its tool results; audio is read from the platform
instead, where its length is known beforehand."""
SIGNATURE_AGE_MAX_S: Final = 1_800.0
"""How old a signature with a time may be: what the voice platform's own client allows."""
REPORT_AGE_MAX_S: Final = 3_600.0
"""How old a carrier's report may be when it comes: it tries again for minutes, not for hours."""
CLOCK_AHEAD_MAX_S: Final = 300.0
"""How far the clock of whoever signs may be ahead of ours."""
REQUEST_SEEN_S: Final = 86_400.0
"""How long a signed request is recognised: no call lasts longer."""
CARRIER_ACCOUNTS_MAX: Final = 500
"""Telephony accounts one media stream's signature is tried with: 2 µs each."""
CARRIER_ACCOUNTS_KNOWN_S: Final = 30.0
"""A new account can open media streams after so long at the latest."""
CARRIER_ACCOUNTS_AGAIN_S: Final = 2.0
"""A signature nobody's key fits makes us look again, but not more often than that."""
REGISTERED_CALLS_MAX: Final = 1_000
"""Answers kept for carriers that ask twice about a call the platform takes itself; 2 KB each."""
REGISTER_CALL_TIMEOUT_S: Final = 8.0
"""The carrier gives up on our answer after fifteen."""
NUMBER_DRAIN_LOOK_S: Final = 5.0
"""How often running calls are counted while a number waits for them to end."""
DRAINED_CALLS_MAX: Final = 200
"""Running calls of a number that are looked at; more of them end no sooner."""
LEFT_NUMBERS_MAX: Final = 20
"""Numbers a name had before that are remembered until they are left; a name changes its number
once in years."""
CALL_KEY_MAX_CHARACTERS: Final = 255
"""An idempotency key: as long as the header's."""
CALL_CONTEXT_SLOTS_MAX: Final = 20
"""What one order says beforehand: an agent told more at once minds none of it."""
STEERING_LOOK_S: Final = 20.0
"""How often a call looks for commands and slots nobody told it of: news is lost with a database."""
CALLS_LEAVE_S: Final = 12.0
"""How long calls that are left when a server stops may take to be ended with words and written
down: the carrier is told, both legs end, journals are emptied."""
