"""What a telephone company is told to do with a call.

The vendor's own stream stands at the address of its conversations; which one is meant is a
parameter of the stream. The address says TLS, as telephone companies take no other; whatever ends
it stands before this server.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

CONTENT_TYPE = "text/xml"
PARAMETER = "conversation_id"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def connected(host: str, path: str, conversation_id: str) -> str:
    """Connect the call with this conversation."""
    return (
        f"{HEAD}<Response><Connect><Stream url={quoteattr(f'wss://{host}{path}')}>"
        f'<Parameter name="{PARAMETER}" value={quoteattr(conversation_id)} />'
        "</Stream></Connect></Response>"
    )


def rejected() -> str:
    """Take no call."""
    return f"{HEAD}<Response><Reject /></Response>"


def told(words: str) -> str:
    """Say why nothing comes of it, then hang up."""
    return f"{HEAD}<Response><Say>{escape(words)}</Say><Hangup /></Response>"
