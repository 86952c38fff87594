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
TOKEN_USE_NOTED_EVERY_S = 60.0
"""When a token was last used is kept to the minute: one write a minute for whoever asks all day."""
TOKENS_REMEMBERED = 10_000
"""Tokens whose last use or refusals a process keeps in mind; the one not seen longest goes."""
TOKEN_GRACE_MAX_S = 604_800.0
"""How long a rotated token may go on beside the new one: a week, for what is rolled out by hand."""
DENIALS_NOTED_PER_MINUTE = 10
"""Refused writes of one token that the audit log takes in a minute: a script that is refused in a
loop must not bury what others did."""
SIGN_IN_LIFETIME_S = 600
"""How long somebody may take at the identity provider: a password, a second factor, a coffee."""
SIGN_IN_NEXT_MAX_CHARACTERS = 2_000
"""The address within this server where a browser goes once it is signed in."""
SIGN_IN_ROLES_MAX = 1_000
"""Groups, people and domains that the settings may give roles."""
SIGN_IN_GRANTS_MAX = 100
"""Roles one person may have through a sign-in; each is looked through on every request."""
SIGN_IN_GROUPS_MAX = 2_000
"""Groups of one person that are looked at; providers stop naming them long before."""
SESSION_AGE_MAX_S = 2_592_000.0
"""A month: whoever left keeps what a browser holds until it ends."""
PROVIDER_TIMEOUT_S = 5.0
"""A person waits for it; an identity provider that takes longer is down."""
PROVIDER_ANSWER_MAX_BYTES = 1_048_576
"""One answer of an identity provider; descriptions and key sets have some kilobytes."""
PROVIDER_REMEMBERED_S = 3_600.0
"""How long the description and the keys of an identity provider are used without asking again."""
PROVIDER_KEYS_PAUSE_S = 10.0
"""The shortest time between two looks for a key that is not among the known ones: a stranger who
sends made-up tokens must not make us ask at every one."""
CLOCK_SKEW_S = 60
"""How far the clocks of an identity provider and of this server may be apart."""
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
REQUEST_HEAD_MAX_BYTES = 65_536
"""The line and headers of a request: cookies and a long filter are a few kilobytes."""
REQUEST_HEAD_TIMEOUT_S = 30.0
"""How long they may take: a phone on a bad line needs seconds, who holds connections has hours."""
REQUEST_BODY_TIMEOUT_S = 60.0
"""How long a body may take; the largest, of a webhook, comes at 90 KB a second in that time."""
AUDIT_NAMES_MAX = 20
"""Agents of which the audit log says what they were; the operation of a write has them all."""
API_NAMES_MAX = 500
"""Agents one plan or sync names one by one; above it a whole environment is meant."""
WEBHOOK_DELIVERIES_REMEMBERED = 4_096
"""Signatures kept to recognise a replayed delivery: days of pushes, half a megabyte."""
IDEMPOTENCY_KEPT_S = 86_400.0
"""How long a repeated request gets its first answer: whoever repeats does it within minutes."""
IDEMPOTENCY_CLAIM_MAX_S = 300.0
"""After it a request that never got an answer counts as lost with its process: none takes half."""
IDEMPOTENCY_KEYS_MAX = 10_000
"""Keys remembered for one token; the oldest go first. A busy pipeline uses some hundred a day."""
IDEMPOTENCY_TIDIED_ROWS_MAX = 100
"""Old rows one claim deletes on its way: more than one claim can add, little enough to be quick."""
IDEMPOTENCY_ANSWER_MAX_BYTES = 1_048_576
"""An answer kept to be repeated; answers to writes are a few kilobytes."""
TAGGED_ANSWER_MAX_BYTES = 8_388_608
"""An answer that is held back to be given a tag; only whole test runs with audio come near it."""
RATE_BUCKETS_MAX = 10_000
"""Tokens, and addresses, whose pace is remembered; the one not heard of for longest goes first."""
FAILED_SIGN_INS_BURST = 100
"""Wrong tokens in a row from one address before it has to wait: a fleet with an expired one."""
FAILED_SIGN_INS_PER_S = 1.0
"""Wrong tokens an address may go on to send."""
REQUESTS_IN_FLIGHT_MAX = 512
"""Requests one process answers at a time; most wait for the store, which has ten connections."""
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

PATTERNS_CACHED = 1024
"""Compiled patterns kept in a process: those of a few hundred tests."""
BRANCHES_MAX = 100
"""Branches of one agent that are listed: the platform's own page has no more and no next one."""
BRANCH_NAME_MAX_CHARACTERS = 140
"""What the platform takes as the name of a branch."""

EXPERIMENTS_REMEMBERED = 64
"""Versions of experiments kept in a process, as wishes without what their documents hold."""
ROLLOUT_CHECK_LOOK_S = 30.0
"""How often a rollout that waits for its tests looks by itself; who tested it wakes it."""

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

PULL_REQUEST_AGENTS_MAX = 50
"""Agents whose tests one pull request starts; a change of everybody is tested after the merge."""
PULL_REQUEST_STATUSES_MAX = 20
"""Commit statuses for single agents; beyond it there is one for all of them."""
PULL_REQUEST_RUNS_CONCURRENT = 4
"""Runs of tests of one pull request at once: releases are tested beside them."""
PULL_REQUEST_COMMENT_MAX = 60_000
"""Characters of the one comment; GitHub takes 65,536, and the rest is room for its own counting."""
PULL_REQUEST_PLAN_MAX = 18_000
"""Characters shown of one environment's plan; the whole is stored."""
PULL_REQUEST_ROWS_MAX = 40
"""Rows of a table or list in the comment before the rest is counted."""
PULL_REQUEST_REPLIES_MAX = 5
"""Answers to commands the comment keeps, the newest."""
PULL_REQUESTS_PER_LOOK = 200
"""Open pull requests looked at in one round; the forge lists them newest first."""
PULL_REQUESTS_EVERY_S = 300.0
"""How often pull requests are looked for that nobody announced."""
PULL_REQUEST_READINGS_KEPT = 16
"""Proposals worked out that a process remembers: most looks find the commit they knew."""
PULL_REQUEST_PATHS_MAX = 100_000
"""Changed files compared; a commit holds no more files than that."""
COMMIT_STATUS_MAX_CHARACTERS = 140
"""GitHub cuts descriptions there."""
FORGE_TIMEOUT_S = 15.0
"""A forge answers within a second; GitHub itself gives up after ten."""
FORGE_PAGES_MAX = 20
"""Pages of one listing: 2,000 comments of GitHub, 1,000 pull requests of Gitea."""
FORGE_READ_PAUSES_S = (0.2, 1.0)
"""Before a read is asked again that was not answered; whoever called tries again later anyway."""
FORGE_ANSWERS_REMEMBERED = 64
"""Answers kept for conditional requests, which count against no quota: a screen of pull requests
and their comments.
"""
FORGE_BODY_MAX_CHARACTERS = 65_536
"""What GitHub takes as the text of a comment or a pull request; Gitea takes more."""
FORGE_TITLE_MAX_CHARACTERS = 255
"""Gitea keeps so much of a title, GitHub one more."""
REQUEST_TEXT_MAX_CHARACTERS = 10_000
"""Of somebody's words in the text of a pull request of ours; forges take some 65,000 in all."""
MERGED_RELEASES_READ = 10
"""Newest commits of a release's history that are asked for the one that was merged."""

DELIVERY_DAYS = 30
"""Over how many days delivery is measured unless somebody asks for others: DORA compares months."""
DELIVERY_DAYS_MAX = 366
"""A year, so that one can be held against the last."""
DELIVERY_ROWS_MAX = 10_000
"""Promotions that are read to measure delivery: a hundred agents released every other day, for
half a year.
"""

CHANGE_FILES_MAX = 100
"""Files one change through the API writes: more are a job for Git itself."""
CHANGE_EDITS_MAX = 100
"""Values one change through the API sets; each is written and read back by itself."""
CHANGE_DIFF_MAX_CHARACTERS = 100_000
"""A diff that is answered; Git shows the rest."""
CHANGE_PATH_MAX_CHARACTERS = 500
"""A path in the repository; file systems take a little over 255 for each of its parts."""
ADOPTION_PAUSE_S = 60.0
"""Between two looks at the proposal of one agent's drift: somebody edits field by field."""
EVENTS_OF_ADOPTION = 50
"""Newest events of an agent that are asked whether its proposal was told of."""

CONTEXT_VALUE_MAX_CHARACTERS = 2_000
"""One slot of a call's context: a paragraph; a document belongs into the agent's knowledge."""
CALL_TRIES_MAX = 10
"""Tries of one call that was asked for; a person who is called more often is pestered."""
