"""A message as an e-mail: subject, text, and the same text as HTML that holds nothing foreign."""

from html import escape
from typing import NamedTuple

from trunkline.model.notifications.news import News
from trunkline.model.notifications.words import link, message_words, subject_line

SUBJECT_MAX_CHARACTERS = 200
"""Of a subject; programs show less of it."""


class Mail(NamedTuple):
    """The parts of one mail; ``thread`` is the same for all mails about one subject."""

    subject: str
    text: str
    html: str
    thread: str


def mail_of(news: News, *, public_url: str = "") -> Mail:
    """The mail of one message."""
    subject = "".join(c if c.isprintable() else " " for c in subject_line(news))
    said, where = message_words(news), link(news, public_url)
    facts = [f"Project {news.project}", f"At {news.at:%Y-%m-%d %H:%M:%S} UTC"]
    if news.environment:
        facts.insert(1, f"Environment {news.environment}")
    if news.revision:
        facts.append(f"Commit {news.revision}")
    lines = [subject, "", said, "", *facts, *([where] if where else [])]
    shown = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    anchor = f'<p><a href="{escape(where, quote=True)}">Read on</a></p>' if where else ""
    html = (
        f"<!doctype html><html><body><h3>{escape(subject)}</h3>"
        f"<p>{escape(said)}</p><ul>{shown}</ul>{anchor}</body></html>"
    )
    thread = f"{news.project}/{news.environment}/{news.subject}/{news.name}/{news.group}"
    return Mail(subject[:SUBJECT_MAX_CHARACTERS], "\n".join(lines), html, thread)
