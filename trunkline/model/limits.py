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
API_PAGE_MAX = 200
"""Rows in one page of the status API."""
WEBHOOK_MAX_BYTES = 5_242_880
"""GitHub caps webhook payloads at 25 MB; push events are far smaller."""
