"""What activities of a run of tests leave for each other, and results of tests nobody could run.

Parts are stored as their own JSON: a script keeps only what was written in it, because a null that
somebody wrote is a value.
"""

import base64
from typing import TypeVar

from pydantic import BaseModel

from trunkline.model.errors import NotFound
from trunkline.model.testing.repeats import summarise_test
from trunkline.model.testing.results import TestResult
from trunkline.model.testing.runs import TestPart, TestPartKind
from trunkline.model.testing.scripts import Script
from trunkline.ports.testing import RunParts

Part = TypeVar("Part", bound=BaseModel)


async def put_part(
    parts: RunParts, run_id: str, kind: TestPartKind, key: str, value: BaseModel
) -> None:
    """Leave something for another activity of the run."""
    body = value.model_dump(mode="json")
    await parts.put_part(run_id, TestPart(kind=kind, key=key, body=body))


async def read_part(
    parts: RunParts, run_id: str, kind: TestPartKind, key: str, model: type[Part]
) -> Part:
    """What was left under that key. Raises NotFound: the run has ended, or never was."""
    found = await parts.part(run_id, kind, key)
    if found is None:
        raise NotFound(f"test run {run_id} has no {kind} {key} (any more)")
    return model.model_validate(found.body)


async def read_parts(
    parts: RunParts, run_id: str, kind: TestPartKind, below: str, model: type[Part]
) -> tuple[Part, ...]:
    """Everything that was left below a key, by key."""
    found = await parts.parts(run_id, kind, below=below)
    return tuple(model.model_validate(part.body) for part in found)


def conversation_key(test: str, number: int) -> str:
    """Under which key what came of a conversation is left; keys of a test sort by number."""
    return f"{test}/{number:04d}"


async def put_content(parts: RunParts, run_id: str, digest: str, content: bytes) -> None:
    """Leave bytes for whoever needs them: workers share no disk."""
    text = base64.b64encode(content).decode()
    await parts.put_part(run_id, TestPart(kind="content", key=digest, body=text))


async def read_content(parts: RunParts, run_id: str, digest: str) -> bytes | None:
    """Bytes that were left, or None."""
    found = await parts.part(run_id, "content", digest)
    return None if found is None else base64.b64decode(str(found.body))


def excused(script: Script, reason: str, message: str) -> TestResult:
    """The result of a test that could not be carried out: nobody is to blame."""
    result = summarise_test(script, ())
    return result.model_copy(
        update={"outcome": "inconclusive", "reason": reason, "message": message}
    )
