"""The small judge of the platform's own tests and analyses: words against words, no model.

It is deterministic and modest. A condition is a sentence; what counts are its content words, those
it forbids, and examples given with it. What it cannot tell is ``unknown``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from simulators.wire import Json

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?", re.UNICODE)
QUOTED = re.compile(r"[\"“”]([^\"“”]{2,})[\"“”]")
SENTENCE_END = re.compile(r"(?<=[.;!?])\s+|\n+|,\s+and\s+|\bbut\b")
REPLY_SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n+")
FORBIDS = re.compile(
    r"\b(?:no|not|never|without|nothing|cannot|can't|won't|doesn't|don't"
    r"|avoids?|refrains?|refuses?)\b",
    re.IGNORECASE,
)
# Words that say nothing about what a reply has to contain.
EMPTY_WORDS = """
a an and are as at be been being by can could did do does for from had has have he her him his
i if in into is it its me my of on or our out say says she should so that the their them then there
these they this those to up us was we were what when which who will with would you your agent
caller user assistant customer response reply answer answers replies responds respond tells
tell mention mentions give gives offers offer asks ask must shall any all than also about
politely clearly correctly whether one exactly
"""
EMPTY = frozenset(EMPTY_WORDS.split())
STEM_LENGTH = 4
ENOUGH = 0.5
CLOSER_BY = 0.1
CLEARLY = 0.75


@dataclass(frozen=True, slots=True)
class Verdict:
    """``success``, ``failure`` or ``unknown``, and why."""

    result: str
    summary: str
    messages: tuple[str, ...] = ()

    def body(self) -> Json:
        """As a test run shows it."""
        rationale = {"messages": list(self.messages), "summary": self.summary}
        return {"result": self.result, "rationale": rationale}


def stems(text: str) -> frozenset[str]:
    """Content words of a text, cut to their beginnings."""
    words = (word.casefold() for word in WORD.findall(text))
    return frozenset(_stem(word) for word in words if word not in EMPTY)


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "ies", "ied", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= STEM_LENGTH - 1:
            return word.removesuffix(ending)[: STEM_LENGTH + 2]
    return word[: STEM_LENGTH + 2]


def likeness(left: str, right: str) -> float:
    """How much two texts share, 0 to 1."""
    a, b = stems(left), stems(right)
    return len(a & b) / len(a | b) if a | b else 0.0


def judged(
    condition: str,
    reply: str,
    *,
    good: Iterable[str] = (),
    bad: Iterable[str] = (),
) -> Verdict:
    """Does the reply meet the condition; examples decide before words do."""
    liked = max((likeness(example, reply) for example in good), default=0.0)
    disliked = max((likeness(example, reply) for example in bad), default=0.0)
    if max(liked, disliked) >= ENOUGH and abs(liked - disliked) >= CLOSER_BY:
        result = "success" if liked > disliked else "failure"
        kind = "success" if liked > disliked else "failure"
        return Verdict(result, f"The reply is close to an example of {kind}.")
    if not condition.strip():
        return Verdict("unknown", "There is no condition to judge by.")
    if not reply.strip():
        return Verdict("failure", "The agent said nothing.")
    return _by_words(condition, reply)


def _by_words(condition: str, reply: str) -> Verdict:
    said = stems(reply)
    lowered = reply.casefold()
    parts = [part for part in SENTENCE_END.split(condition) if stems(part)]
    missing: list[str] = []
    shares: list[float] = []
    for part in parts:
        quotes = [quote.casefold() for quote in QUOTED.findall(part)]
        forbids = FORBIDS.search(part)
        if forbids:
            if _does(part[forbids.end() :], quotes, reply):
                return Verdict("failure", f"The reply does what it must not: {part.strip()}")
            continue
        if quotes and not all(quote in lowered for quote in quotes):
            return Verdict("failure", f"The reply lacks the words asked for: {part.strip()}")
        wanted = stems(QUOTED.sub("", part))
        if wanted and not quotes:
            shares.append(len(wanted & said) / len(wanted))
            missing.extend(sorted(wanted - said))
    share = sum(shares) / len(shares) if shares else 1.0
    if share >= ENOUGH:
        return Verdict("success", "The reply has what the condition asks for.")
    return Verdict("failure", f"The reply lacks: {', '.join(missing[:8])}.")


def _does(forbidden: str, quotes: list[str], reply: str) -> bool:
    """True if a sentence of the reply does what is forbidden, rather than denies it."""
    if quotes:
        return any(quote in reply.casefold() for quote in quotes)
    wanted = stems(forbidden)
    sentences = (part for part in REPLY_SENTENCE.split(reply) if not FORBIDS.search(part))
    return bool(wanted) and any(
        len(wanted & stems(part)) / len(wanted) >= CLEARLY for part in sentences
    )


def analysed(transcript: list[Json], criteria: list[Json]) -> Json:
    """What the platform finds in a conversation after its end."""
    replies = " ".join(
        line["message"] for line in transcript if line["role"] == "agent" and line["message"]
    )
    results: Json = {}
    for criterion in criteria:
        verdict = judged(criterion.get("conversation_goal_prompt") or "", replies)
        results[criterion["id"]] = {
            "criteria_id": criterion["id"],
            "result": verdict.result,
            "rationale": verdict.summary,
        }
    found = [result["result"] for result in results.values()]
    successful = "failure" if "failure" in found else "success" if replies else "unknown"
    turns = sum(line["role"] == "user" for line in transcript)
    return {
        "evaluation_criteria_results": results,
        "data_collection_results": {},
        "evaluation_criteria_results_list": list(results.values()),
        "data_collection_results_list": [],
        "call_successful": successful,
        "transcript_summary": f"The caller spoke {turns} times.",
        "call_summary_title": "Conversation",
    }
