"""Every bound in one place, each with its reason: a loop, page or queue without one is a bug."""

MANIFEST_FILE_MAX_BYTES = 1_048_576
"""One manifest; the largest prompt the platform takes is far below it."""
CONTENT_FILE_MAX_BYTES = 10_485_760
"""A prompt or document named by a manifest; above it the platform wants an upload, not text."""
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
CLOSURE_CACHE_MAX_AGENTS = 20_000
"""Agents whose resolution is kept between two commits, so that cost follows change."""
TEXT_FIELD_MAX_CHARACTERS = 10_000
"""A text inside a manifest that is no prompt: titles, descriptions, greetings."""
PROMPT_MAX_CHARACTERS = 200_000
"""A prompt; longer ones are knowledge, and models stop following them long before."""
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

GIT_OUTPUT_MAX_CHARACTERS = 500
"""Git's own words in a condition's message; a server's banner must not fill a status page."""
