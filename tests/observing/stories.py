"""What a run looked like, as text for the page that shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.observing.collector import Seen


def tree(spans: list[Seen]) -> list[str]:
    """Spans below their parents, with the moment they began and what they took."""
    ids = {span.span_id for span in spans}
    began_ns = min(span.began_ns for span in spans)
    lines: list[str] = []

    def add(span: Seen, depth: int) -> None:
        at_ms = (span.began_ns - began_ns) / 1e6
        name = f"{'  ' * depth}{span.name}"
        process = span.service.removeprefix("trunkline-")
        lines.append(f"{name:<58}{process:<8}{at_ms:>8.1f} ms {span.duration_s * 1e3:>8.1f} ms")
        for child in spans:
            if child.parent_id == span.span_id:
                add(child, depth + 1)

    for span in spans:
        if span.parent_id not in ids:
            add(span, 0)
    return lines


def metric_lines(request_id: str, *expositions: str) -> list[str]:
    """Samples of these expositions that name the request as an example of what they count."""
    lines = [line for text in expositions for line in text.splitlines()]
    return [line for line in lines if f'request_id="{request_id}"' in line]
