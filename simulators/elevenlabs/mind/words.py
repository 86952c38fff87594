"""Text as words: cut, stem, and the few irregular forms of English that matter to a stemmer.

Knows nothing of meaning; which stems mean the same is the lexicon's business.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"\d+(?:[.:,]\d+)*|[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_VOWEL: Final = re.compile(r"[aeiouy]")
_SHORT: Final = 3

_FORMS: Final = """
ate:eat eaten:eat bled:bleed drank:drink drunk:drink fell:fall fallen:fall felt:feel came:come
gone:go went:go gave:give given:give got:get had:have has:have bought:buy brought:bring
broke:break broken:break swollen:swell swallowed:swallow took:take taken:take told:tell said:say
says:say stood:stand understood:understand known:know knew:know lost:lose paid:pay ran:run saw:see
seen:see sent:send sold:sell slept:sleep spoke:speak spoken:speak thrown:throw threw:throw
woke:wake awoken:wake awake:awake wrote:write written:write chose:choose chosen:choose
choice:choose found:find left:leave met:meet kept:keep heard:hear held:hold hurt:hurt led:lead
made:make meant:mean feet:foot teeth:tooth mice:mouse geese:goose children:child people:person
men:man women:woman wives:wife knives:knife lives:life does:do did:do done:do doing:do is:be
are:be was:be were:be been:be am:be being:be could:can would:will might:may died:die dying:die
lying:lie tying:tie better:good best:good worse:bad worst:bad breath:breathe this:this his:his
its:its yes:yes bus:bus gas:gas always:always as:as us:us was:be less:less during:during
morning:morning evening:evening nothing:nothing something:something anything:anything thing:thing
bring:bring string:string spring:spring king:king ring:ring sing:sing wing:wing need:need
bleed:bleed feed:feed speed:speed weed:weed seed:seed bed:bed red:red hundred:hundred
wednesday:wednesday
"""
_IRREGULAR: Final = dict(pair.split(":") for pair in _FORMS.split())


def folded(text: str) -> str:
    """Lower case, one kind of apostrophe and of dash, single spaces."""
    plain = text.replace("\u2019", "'").replace("\u2013", "-").replace("\u2014", " - ").lower()
    return re.sub(r"\s+", " ", plain).strip()


def unaccented(word: str) -> str:
    """The word without its accents."""
    parts = unicodedata.normalize("NFD", word)
    return "".join(part for part in parts if not unicodedata.combining(part))


def tokens(text: str) -> list[str]:
    """Words and numbers in lower case; "can't" and "cannot" become "can" and "not"."""
    found: list[str] = []
    for match in _WORD.finditer(folded(text)):
        word = match.group()
        if word.endswith("n't"):
            stem = {"ca": "can", "wo": "will", "sha": "shall"}.get(word[:-3], word[:-3])
            found += [stem, "not"]
        elif word == "cannot":
            found += ["can", "not"]
        else:
            found += [part for part in word.split("'") if part]
    return found


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A crude stem: "breathing", "breathes" and "breathe" have one, and so on."""
    word = _IRREGULAR.get(word, word)
    if len(word) <= _SHORT or not word.isalpha():
        return word
    word = _singular(word)
    for ending in ("ational", "ations", "ation", "ating", "ated", "ating", "ates", "ate", "ous"):
        if word.endswith(ending) and len(word) - len(ending) > _SHORT:
            return word[: len(word) - len(ending)]
    word = _plain_form(word)
    if word.endswith("y") and len(word) > _SHORT:
        word = word[:-1] + "i"
    return word[:-1] if word.endswith("e") and len(word) > _SHORT else word


def _singular(word: str) -> str:
    for ending, put in (("sses", "ss"), ("ies", "y"), ("iness", "y"), ("ness", ""), ("ously", "")):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORT - 1:
            return word[: len(word) - len(ending)] + put
    plural = word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if plural else word


def _plain_form(word: str) -> str:
    """A verb without its ending: "stopping" becomes "stop"."""
    for ending in ("ingly", "edly", "ing", "ed", "ly"):
        rest = word[: len(word) - len(ending)]
        if word.endswith(ending) and len(rest) >= _SHORT and _VOWEL.search(rest):
            doubled = len(rest) > _SHORT and rest[-1] == rest[-2] and rest[-1] not in "lsz"
            return rest[:-1] if doubled else rest
    return word
