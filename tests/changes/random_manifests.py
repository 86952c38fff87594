"""Manifests as people might write them: nested, commented, in any style; a seed makes a text."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

WORDS = ("alpha", "beta", "gamma", "delta", "omega", "zeta", "voice", "tools", "note", "spec")
TEXTS = (
    "hello",
    "it's",
    'say "no"',
    "no",
    "12",
    "a: b",
    "# none",
    "größe",
    "two\nlines\n",
    "",
    " x",
)
Path = tuple[str | int, ...]


@dataclass
class Written:
    """Lines of a document, and of every comment whom it belongs to."""

    random: Random
    lines: list[str] = field(default_factory=list)
    comments: list[tuple[str, int, Path]] = field(default_factory=list)
    document: int = 0

    def comment(self, path: Path) -> str:
        """A comment nobody else has."""
        words = f"# remark {len(self.comments)} on {path};"
        self.comments.append((words, self.document, path))
        return words

    def above(self, path: Path, indent: str) -> None:
        """Perhaps a blank line, perhaps comments."""
        if self.random.random() < 0.15:
            self.lines.append("")
        for _ in range(self.random.choice((0, 0, 0, 1, 2))):
            self.lines.append(indent + self.comment(path))

    def beside(self, path: Path) -> str:
        """Perhaps a comment at the end of a line."""
        if self.random.random() > 0.25:
            return ""
        return f"{self.random.choice((' ', '   '))}{self.comment(path)}"


def value(random: Random, depth: int = 0) -> Any:
    """Any value of JSON; the deeper, the simpler."""
    kind = random.random()
    if depth < 4 and kind < 0.35 - depth * 0.03:
        keys = random.sample(WORDS, random.randint(0 if depth else 1, 4))
        return {key: value(random, depth + 1) for key in keys}
    if depth < 4 and kind < 0.5:
        return [value(random, depth + 1) for _ in range(random.randint(0, 4))]
    return random.choice((*TEXTS, True, False, None, 0, 7, -1.5, 10**6, "x" * 120))


def manifest(random: Random, name: str) -> dict[str, Any]:
    """A document that calls itself an agent."""
    spec = {key: value(random, 1) for key in random.sample(WORDS, random.randint(1, 6))}
    return {"kind": "Agent", "metadata": {"name": name}, "spec": spec}


def text_of(random: Random) -> tuple[str, list[Any], Written]:
    """A file, what it means, and its comments."""
    written = Written(random)
    values = [manifest(random, f"agent-{at}") for at in range(random.choice((1, 1, 2, 3)))]
    for at, each in enumerate(values):
        written.document = at
        if at:
            written.lines.append(random.choice(("---", "--- # next")))
        _mapping(written, each, (), "", "")
    text = "\n".join(written.lines) + "\n"
    ends_in_a_block = written.lines[-1].startswith("      ") or not written.lines[-1]
    if random.random() < 0.2 and not ends_in_a_block:
        text = text.rstrip("\n")
    if random.random() < 0.2:
        text = text.replace("\n", "\r\n")
    if random.random() < 0.05:
        text = f"\ufeff{text}"
    return text, values, written


def _mapping(written: Written, held: dict[str, Any], path: Path, indent: str, first: str) -> None:
    """Keys below each other; ``first`` stands before the first one instead of blanks."""
    for at, (key, item) in enumerate(held.items()):
        below = (*path, key)
        if at or not first:
            written.above(below, indent)
        _entry(written, f"{first if first and not at else indent}{key}:", item, below, indent)


def _sequence(written: Written, held: list[Any], path: Path, indent: str) -> None:
    for at, item in enumerate(held):
        below = (*path, at)
        written.above(below, indent)
        if isinstance(item, dict) and item and written.random.random() < 0.7:
            _mapping(written, item, below, f"{indent}  ", f"{indent}- ")
        else:
            _entry(written, f"{indent}-", item, below, indent)


def _entry(written: Written, head: str, item: Any, path: Path, indent: str) -> None:
    random = written.random
    collection = isinstance(item, dict | list) and item
    if collection and random.random() < 0.6:
        written.lines.append(f"{head}{written.beside(path)}")
        deeper = indent + random.choice(("  ", "  ", "    "))
        if isinstance(item, dict):
            _mapping(written, item, path, deeper, "")
        else:
            at_key = random.random() < 0.3 and not head.endswith("-")
            _sequence(written, item, path, indent if at_key else deeper)
        return
    if isinstance(item, str) and item.endswith("\n") and random.random() < 0.8:
        body = [f"{indent}      {line}" for line in item[:-1].split("\n")]
        blank = [""] * random.choice((0, 0, 1))
        written.lines += [f"{head} |{written.beside(path)}", *body, *blank]
        return
    anchor = random.choice(("", "", "", "", "", f"&a{len(written.lines)} "))
    written.lines.append(f"{head} {anchor}{_inline(random, item)}{written.beside(path)}")


def _inline(random: Random, item: Any) -> str:
    space = random.choice(("", " "))
    if isinstance(item, dict):
        inside = ", ".join(f"{key}: {_inline(random, each)}" for key, each in item.items())
        return f"{{{space}{inside}{space}}}"
    if isinstance(item, list):
        inside = ", ".join(_inline(random, each) for each in item)
        return f"[{space}{inside}{space}]"
    if isinstance(item, str):
        return _quoted(random, item)
    return "null" if item is None else str(item).lower()


def _quoted(random: Random, item: str) -> str:
    if item.isascii() and item.isalpha() and item != "no" and random.random() < 0.6:
        return item
    if "\n" not in item and random.random() < 0.5:
        return "'" + item.replace("'", "''") + "'"
    escaped = item.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
