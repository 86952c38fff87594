"""A message as a Slack-compatible incoming webhook takes it: blocks, and the same as plain text.

Whatever comes from elsewhere (an event repeats vendors, commits and people) is shown and never
obeyed: no mention, no link of its own, no markup.
"""

import re

from trunkline.model.base import JsonObject
from trunkline.model.notifications.news import News
from trunkline.model.notifications.words import link, message_words, place_words, subject_line

HEADER_MAX_CHARACTERS = 150
"""Of a header block."""
_GAP = "\N{ZERO WIDTH SPACE}"
_SIGNS = {"bad": "🔴", "good": "🟢", "moving": "⚪"}


def slack_body(news: News, *, public_url: str = "") -> JsonObject:
    """The JSON of one message."""
    sign = _SIGNS[news.tone]
    head = f"{sign} {subject_line(news)}"
    where = link(news, public_url)
    shown = f"<{where}|{harmless(place_words(news))}>" if where else harmless(place_words(news))
    facts = [shown, news.at.strftime("%Y-%m-%d %H:%M:%S UTC")]
    if news.revision:
        facts.append(f"commit {harmless(news.revision[:10])}")
    said = message_words(news)
    section: JsonObject = {
        "type": "section",
        "text": {"type": "plain_text", "text": said or "-", "emoji": False},
    }
    return {
        "text": f"{sign} {harmless(subject_line(news))}\n{harmless(said)}".rstrip(),
        "blocks": [
            {
                "type": "header",
                "text": {
                    "type": "plain_text",
                    "text": head[:HEADER_MAX_CHARACTERS],
                    "emoji": True,
                },
            },
            section,
            {
                "type": "context",
                "elements": [{"type": "mrkdwn", "text": " · ".join(facts)}],
            },
        ],
    }


def harmless(text: str) -> str:
    """Text that mentions nobody and links nowhere, in Slack and in what imitates it."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    unmentioned = re.sub(r"@(?=\w)", f"@{_GAP}", escaped)
    return re.sub(r"\](?=[(\[])", f"]{_GAP}", unmentioned)
