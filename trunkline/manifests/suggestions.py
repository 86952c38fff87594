"""What was probably meant: the nearest of the words that would have been right.

Distances count swapped neighbours as one slip, because that is how people mistype. A word too far
from every candidate gets no suggestion: a wrong one costs more than none.
"""

from collections.abc import Iterable

_LETTERS_PER_SLIP = 3


def nearest(word: str, candidates: Iterable[str]) -> str:
    """The closest candidate within one slip per three letters, else the empty string."""
    folded = _folded(word)
    allowed = max(1, len(folded) // _LETTERS_PER_SLIP)
    best, best_distance = "", allowed + 1
    for candidate in sorted(candidates):
        target = _folded(candidate)
        if abs(len(target) - len(folded)) >= best_distance:
            continue
        distance = _distance(folded, target)
        if distance < best_distance:
            best, best_distance = candidate, distance
    return best


def _folded(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "").replace(" ", "")


def _distance(first: str, second: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours between two words."""
    older: list[int] = []
    previous = list(range(len(second) + 1))
    for i, letter in enumerate(first, start=1):
        current = [i]
        for j, other in enumerate(second, start=1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            current.append(cost)
        older, previous = previous, current
    return previous[-1]
