"""Every bound in one place, each with its reason: a loop, page or queue without one is a bug."""

MANIFEST_FILE_MAX_BYTES = 1_048_576
"""One manifest; the largest prompt the platform takes is far below it."""
CONTENT_FILE_MAX_BYTES = 10_485_760
"""A prompt or document named by a manifest; above it the platform wants an upload, not text."""
UPLOAD_FILE_MAX_BYTES = 20_971_520
"""A file that is uploaded as one; ElevenLabs says 21 MB, and this is the round number below it."""
UPLOADS_MAX_BYTES = 134_217_728
"""All uploaded files of one commit: they are in memory together while it is stored."""
TREE_MAX_FILES = 100_000
"""Files read from one commit; a fleet of 10,000 agents has about 40,000."""
YAML_MAX_ALIASES = 100
"""Aliases followed in one file: enough for shared snippets, too few for an expansion bomb."""
YAML_MAX_DEPTH = 50
"""Nesting of one YAML document."""
PROBLEMS_MAX = 1_000
"""Problems reported at once; nobody reads more, and a status row must stay small."""

PLATFORM_PAGE_SIZE = 100
"""ElevenLabs' largest page."""
PLATFORM_MAX_PAGES = 1_000
"""Pages followed before a listing is called endless: 100,000 objects."""
TELEPHONY_PAGE_SIZE = 200
"""Numbers a page; Twilio allows 1,000, and smaller pages answer sooner."""
PLAN_MAX_STEPS = 200
"""Steps for one agent: itself, 50 tools, 100 documents, their secrets, with room."""
SIGNAL_BATCH_SIZE = 200
"""Agents signalled between two heartbeats of a fan-out."""
EVENT_MESSAGE_MAX_CHARACTERS = 2_000
"""An event is read in a terminal; the vendor's whole answer stays in the log."""
SIGNALS_CONCURRENT = 20
"""Signals in flight at once: Temporal's front end answers each in milliseconds, and its own limit
of requests per second is not ours to use up."""
SWEEP_READS_CONCURRENT = 20
"""Agents read at once by a sweep, below the pace the account's own limit allows."""
FOREIGN_VERSIONS_MAX = 20
"""Versions followed back to find who committed between our reading and our write."""
PRUNE_WINDOW_S = 86_400.0
"""Deletions of one day count against one budget, so that many small ones are one large one."""
PRUNE_DEFAULT_COUNT = 5
"""Deletions allowed in the window where pruning is enabled and no budget is given."""
PRUNE_DEFAULT_PERCENT = 20
"""The same as a share of what is managed; the smaller of both counts."""
PRUNE_QUIET_S = 600.0
"""An agent that took a call in the last ten minutes may still be talking: it is not deleted."""
LIVE_CALL_MAX_S = 7_200.0
"""How far back a call is looked for that has not ended; the platform ends calls long before."""
PRUNE_OBJECTS_PER_LOOK = 100
"""Tools, documents and secrets deleted between two looks: each is an activity in one history."""
BLAST_RADIUS_NAMES = 20
"""Names said before the rest is counted; the stored plan has them all."""
PLANS_KEPT_S = 30 * 86_400.0
"""A stored plan is read while somebody decides; after a month nobody does."""
RETENTION_BATCH_SIZE = 500
"""Rows of the past removed in one statement, so that nobody waits for it."""
API_PAGE_MAX = 200
"""Rows in one page of the status API."""
WEBHOOK_MAX_BYTES = 5_242_880
"""GitHub caps webhook payloads at 25 MB; push events are far smaller."""

PLATFORM_ANSWER_MAX_BYTES = 33_554_432
"""One answer of a vendor; a full page of 100 tools with large schemas is about a tenth of it."""
PLATFORM_CONNECTIONS_MAX = 100
"""Sockets to one vendor from one process; the pace of each account is far below it."""
PLATFORM_CONNECT_TIMEOUT_S = 5.0
"""A vendor that does not take a connection in this time is down, however long a call may last."""
RETRY_AFTER_MAX_S = 3600.0
"""A longer pause is cut: an account must not be silent for a day because of one header."""
PLATFORM_ACCOUNTS_MAX = 256
"""Accounts whose verified credentials one process remembers; the least used is forgotten first."""
SECRET_MAX_BYTES = 65_536
"""One secret file; the longest credentials in use are certificates of a few kilobytes."""
REFUSED_PATHS_MAX = 5
"""Refused leaves named in one message; the first is the one that is shown with its line."""
MANIFEST_DOCUMENTS_MAX = 1_000
"""YAML documents in one file; a fleet in one file would make every edit re-read all of it."""
YAML_MAX_NODES = 50_000
"""Values in one file after following aliases: what the largest allowed file can sensibly hold."""
PARSED_FILES_MAX_BYTES = 33_554_432
"""YAML kept parsed between two commits: the manifests of about 20,000 agents."""
CONTENT_CACHE_MAX_BYTES = 67_108_864
"""Prompts and documents kept between two commits: 10,000 agents with prompts of 6 kB."""
UPLOAD_CACHE_MAX_BYTES = 67_108_864
"""Uploaded files kept between two commits, apart so that they never push out prompts."""
CLOSURE_CACHE_MAX_AGENTS = 20_000
"""Agents whose resolution is kept between two commits, so that cost follows change."""
TEXT_FIELD_MAX_CHARACTERS = 10_000
"""A text inside a manifest that is no prompt: titles, descriptions, greetings."""
PROMPT_MAX_CHARACTERS = 200_000
"""A prompt; longer ones are knowledge, and models stop following them long before."""
PAGE_ADDRESS_MAX_CHARACTERS = 2_048
"""An address of a page; longer ones are cut somewhere between here and the page."""
LABELS_MAX = 64
"""Labels of one document, and variables or slots of one agent."""
LIST_MAX_ITEMS = 100
"""Entries of a list in a manifest: tools, documents, people, windows, routes."""
ENVIRONMENTS_MAX = 20
"""Environments of a project; each has sweeps and schedules of its own."""
API_PAGE_DEFAULT = 50
"""Rows in a page nobody chose a size for: a screen or two."""
API_SCAN_MAX_PAGES = 100
"""Pages of the store one filtered request reads through: 20,000 rows, then a cursor goes on."""
API_BODY_MAX_BYTES = 262_144
"""A request names agents and gives a reason; the longest honest one is a few kilobytes."""
API_NAMES_MAX = 500
"""Agents one plan or sync names one by one; above it a whole environment is meant."""
WEBHOOK_DELIVERIES_REMEMBERED = 4_096
"""Signatures kept to recognise a replayed delivery: days of pushes, half a megabyte."""
DIFF_WAIT_MAX_S = 60.0
"""How long a request for a diff waits for its plan before it answers with the operation."""
OPERATION_POLL_S = 0.25
"""How often somebody who waits looks at an operation: unnoticed by people, cheap for the store."""

STORE_CONNECTIONS_MAX = 10
"""Connections one process holds; PostgreSQL's default of 100 then serves ten processes."""
STORE_PAGE_MAX = 10_000
"""Rows in one answer of the store: a whole fleet of the size we promise, and no more."""
STORE_BATCH_SIZE = 1_000
"""Rows sent in one statement; bodies are a few kilobytes, so a statement stays at a few MB."""
STORE_BATCH_MAX_BYTES = 8_388_608
"""Contents sent in one statement, unless a single one is larger."""

PUBLIC_KEY_MAX_CHARACTERS = 65_536
"""One armoured public key: a long RSA key with many signatures of others is a quarter of it."""
COMMITS_VERIFIED_MAX = 500
"""Commits whose signatures one look checks; each starts one program, about 10 ms."""
HISTORY_COMMITS_MAX = 100_000
"""Commits looked through for who touched what: ten seconds of work, thirty a day for nine years."""
CLOSURE_COMMITS_MAX = 5_000
"""Commits that touched what one promotion carries; each is read for its authors."""
RENAMES_FOLLOWED_MAX = 20
"""Names one file had between two releases; each further one reads the whole history again."""
RELEASE_HISTORY_PAGE_MAX = 500
"""Commits in one page of releases as Git tells them; each comes with the files it wrote."""
GIT_OUTPUT_MAX_CHARACTERS = 500
"""Git's own words in a condition's message; a server's banner must not fill a status page."""

BREAKER_FAILURES = 6
"""Failures, each apart from the one before, until an account counts as down: a restart of the
vendor's is over by then, an outage is not."""
BREAKER_WINDOW_S = 60.0
"""Failures further back say nothing about now."""
BREAKER_SPACING_S = 0.5
"""What fails within one round trip of a slow vendor fails for one reason and counts once."""
BREAKER_HOLD_S = 5.0
"""The first pause of an open breaker: short, because most outages are."""
BREAKER_HOLD_MAX_S = 60.0
"""The longest pause between two attempts: an account that is back is used again within a minute."""
SHARE_BEAT_S = 1.0
"""How often a process says that it uses an account: one statement for all its accounts."""
SHARE_SILENCE_S = 3.5
"""A process that missed three beats has stopped or hangs: its share goes to the others."""
SHARE_NEWS_S = 0.25
"""The shortest time between two beats when something must be shared at once."""
ACCOUNT_IDLE_S = 5.0
"""A process that asked nothing for so long gives its share back."""
QUEUE_WEIGHTS = (20, 4, 1)
"""Turns of interactive work, reconciling and sweeps while all three wait: people are served first,
and a sweep still gets one turn of twenty-five."""
RATE_RECOVERY = 1.1
"""Factor a second by which a rate cut after a 429 grows back: doubled in about seven seconds."""
SWEEP_BUDGET_SHARE = 0.5
"""Of what an account allows, the most that looking for drift may take."""
SWEEP_CALL_LATENCY_S = 0.25
"""How long one read takes where only concurrency bounds it; platforms across a network answer in
a tenth to a quarter of a second."""

IMPORTED_NAME_MAX_CHARACTERS = 50
"""Of a name made from a title: short enough for a number behind it and for a status column."""
IMPORT_AGENTS_MAX = 10_000
"""Agents one import reads: the largest fleet we promise."""
IMPORT_MAX_BYTES = 67_108_864
"""Manifests and texts one import may store: 10,000 agents with prompts of 6 kB."""
IMPORT_PAGE_MAX = 100
"""Imported manifests in one answer; each may carry a document of its own."""
ADOPTION_EXPIRES_S = 3_600
"""How long a person's word that something may be taken over counts."""

MANIFESTS_REMEMBERED = 64
"""Project manifests kept parsed in a worker: one for each project it is likely to serve."""
APPROVALS_REMEMBERED = 4
"""Applied plans kept in a worker; a whole fleet's is a few megabytes, and one is in force."""
APPLY_LIFETIME_S = 3600.0
"""How long an applied plan may be written: retries included, and not what somebody finds later."""
WINDOW_OVERRIDE_S = 3600.0
"""How long a closed window is overridden by one request."""
SUSPENSION_MAX_S = 31_536_000.0
"""The longest suspension with an end; for good is said by giving none."""
REASON_MAX_CHARACTERS = 500
"""A reason is a sentence somebody reads months later."""

CARRIER_FORM_FIELDS_MAX = 200
"""Fields of one question of a carrier about a call; they have some thirty."""
FULL_LOOK_S = 3_600.0
"""How long the word of a list is believed about an agent that was read whole: what a list does not
show is found within the hour, at 2.8 readings a second for 10,000 agents."""
HINT_SETTLED_S = 60.0
"""An agent updated less than that ago is read again: clocks differ, and a second is a long time."""
SWEEP_UNREAD_MAX = 20
"""Agents a sweep may fail to read before it ends: above it the platform, not the agent, is ill."""
ORPHANS_SHOWN = 20
"""Agents named in one event about marks nobody knows; the rest is counted."""
DRIFT_VERSIONS_MAX = 20
"""Versions of somebody else followed back to ours; more edits between two looks have no author."""
DRIFT_VERSIONS_READ_MAX = 8
"""Of them read whole, to see which one changed a field: each is a call on the account's budget."""
DRIFT_FIELDS_KEPT = 100
"""Fields one event about drift keeps with both values; the platform has the whole version."""
DRIFT_PATCH_MAX_CHARACTERS = 100_000
"""A prepared change in an event; a prompt and its context fit, a plan has the whole of it."""
OWNERSHIP_GRACE_S = 3_600
"""How long an object that was about to be taken over stays reserved without having become so."""
EJECT_BATCH_SIZE = 20
"""Marks taken away side by side by a workflow: what an account allows at once."""

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
PATTERNS_CACHED = 1024
"""Compiled patterns kept in a process: those of a few hundred tests."""
BRANCHES_MAX = 100
"""Branches of one agent that are listed: the platform's own page has no more and no next one."""
BRANCH_NAME_MAX_CHARACTERS = 140
"""What the platform takes as the name of a branch."""

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
EXPERIMENTS_REMEMBERED = 64
"""Versions of experiments kept in a process, as wishes without what their documents hold."""
ROLLOUT_CHECK_LOOK_S = 30.0
"""How often a rollout that waits for its tests looks by itself; who tested it wakes it."""
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

EVIDENCE_ITEMS_MAX = 500
"""Judges, differences, authors, approvals in evidence: more authors than any closure has."""
EVIDENCE_TEXT_MAX_CHARACTERS = 1_000
"""One text in evidence: names, digests, dotted paths and a reason."""
EVIDENCE_MAX_BYTES = 262_144
"""What one release may state: five hundred tests and everybody who touched a closure fit."""
SIGNING_KEY_MAX_CHARACTERS = 8_192
"""A private key as somebody pastes it: an Ed25519 one is 120 characters, a long RSA one 3,300."""

CHANGES_MAX_CHARACTERS = 4_000
"""What a release changes, in words: a page, which every list of releases carries."""
CHANGES_LINE_MAX_CHARACTERS = 200
"""Its first line, which stands in lists and in the subject of the release commit."""
CHANGES_SUBJECTS_MAX = 15
"""Commits an automatic promotion names before it counts the rest: 3,000 characters at most."""
PROMOTION_GATES_MAX = 20
"""Runs of the gate in one promotion: those tried again because they were inconclusive or because
their evidence had expired. Each costs conversations; whoever needs more has another problem."""
PROMOTION_TIMELINE_MAX = 200
"""Phases kept in the story of one promotion; it goes through about ten."""
PROMOTION_LINES_MAX = 10
"""Failing lines of tests kept in a promotion; the run has all of them."""
BLAME_MAX_CHARACTERS = 200
"""Why tests take a release back, as a commit and a hold repeat it: a line people see at once."""
PROJECTS_REMEMBERED = 8
"""Projects whose standings of releases a process keeps in mind; others are read again."""
RELEASES_KEPT = 5
"""Releases of an agent, the newest included, whose tools and documents are never deleted: whoever
goes back does so by a version or two, and each keeps a handful of small objects per agent."""
RELEASED_CLOSURES_REMEMBERED = 10_000
"""Releases whose references a process keeps, a few hundred bytes each: the last five of two
thousand agents."""
RELEASE_TREES_PER_LOOK = 20
"""Commits of the past that one look for leftovers reads, some 50 ms each; the next one goes on."""
RELEASES_PER_PAGE = 200
"""Releases read from the history at once: a page is one walk over the commits below it."""
RELEASES_INDEXED_MAX = 20_000
"""Releases of one environment taken into an emptied index, newest first: about 100 MB of them."""
CANDIDATES_REMEMBERED = 512
"""Closures worked out for promotions that a worker keeps: each is a few hundred bytes and a list of
paths, and working one out again reads a whole tree."""
PROMOTION_AUDIT_ROWS_MAX = 1_000
"""Rows of the audit log read for one promotion; people say yes or no a few times."""
PROMOTIONS_PER_LOOK = 1_000
"""Open promotions of a project that are told to look again at once; others look by themselves."""
AUTOMATIC_PROMOTIONS_MAX = 10
"""Promotions an environment may open by itself at once: their tests share the account's places, and
each that ends lets the next one begin."""
SUBJECTS_MAX = 50
"""Commit subjects that an automatic promotion names."""
