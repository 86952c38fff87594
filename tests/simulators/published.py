"""The vendors' published interface descriptions, pinned, fetched once, kept in the user's cache.

The simulators are held against what the vendors publish, not against what we remember of it. Both
publish their OpenAPI document inside an npm package: ElevenLabs within its command line tool, whose
program carries it as text, Twilio as a file. Nothing of a package is run or installed. A download
is bounded in time and size and checked against the digest the registry published; a cached document
is checked each time it is read. ``python -m tests.simulators.published`` only makes sure that both
are there.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from trunkline.local.locks import exclusive
from trunkline.local.places import cache_folder

Json = dict[str, Any]
Say = Callable[[str], None]

PUBLIC_REGISTRY = "https://registry.npmjs.org"
CONNECT_TIMEOUT_S = 15.0
SILENCE_TIMEOUT_S = 30.0
DOWNLOAD_TIMEOUT_S = 300.0
NPM_TIMEOUT_S = 20.0
PROGRESS_INTERVAL_S = 2.0
MAX_UNPACKED_BYTES = 64 * 1024 * 1024


class NotToBeHad(Exception):
    """A description is neither in the cache nor to be fetched; says why and what to do."""


@dataclass(frozen=True)
class Published:
    """Where a vendor publishes its description, and what it must be.

    ``integrity`` is of the package, as the registry publishes it; ``sha256`` is of the document.
    The document is the member as it is, or the text that begins with ``beginning`` within it.
    """

    vendor: str
    package: str
    version: str
    integrity: str
    max_bytes: int
    member: str
    sha256: str
    beginning: bytes = b""

    @property
    def address(self) -> str:
        """The package's place in any registry."""
        return f"/{self.package}/-/{self.package.rpartition('/')[2]}-{self.version}.tgz"


ELEVENLABS = Published(
    vendor="elevenlabs",
    package="@elevenlabs/cli-linux-x64",
    version="1.3.0",
    integrity=(
        "sha512-JU9UDVfULuSjX1NJP8cIyLQV1PJUCjq+KJ39nWRxsRpXFBhk4MyqFFWUT0pdB3+O"
        "w6bEzbzdGszX22ccVOLBZQ=="
    ),
    max_bytes=16 * 1024 * 1024,
    member="package/elevenlabs",
    sha256="4b94e2bd912dac1d9c1dd6200fc6b78ab8d5c7622965d956292fb2a8e379a12c",
    beginning=b'{"openapi":"3.1.0"',
)
TWILIO = Published(
    vendor="twilio",
    package="@twilio/cli-core",
    version="8.3.2",
    integrity=(
        "sha512-qRTAZS15i/nseKHu2zZIb1BD78WFRVOWM65iC9JqjZdNpz5KQaiEI1klsLcWDi1p"
        "wXH9JG6pbFXJrIiYRJw/dw=="
    ),
    max_bytes=4 * 1024 * 1024,
    member="package/src/services/twilio-api/twilio_api_v2010.json",
    sha256="7f123267c8dd60bd5412ed723cc021f0e58d52b635e8fad41f72c4a3dda9e77e",
)


def document(published: Published) -> Json:
    """The description, from the cache or fetched into it. Raises NotToBeHad."""
    found: Json = json.loads(obtain(published, cache_folder() / "published", registry))
    return found


def obtain(
    published: Published, folder: Path, find_registry: Callable[[], str], say: Say | None = None
) -> bytes:
    """The document's bytes, from the folder or fetched into it. Raises NotToBeHad.

    Waits for another process that is at it; a document in place contacts nobody.
    """
    path = folder / f"{published.vendor}-{published.version}.json"
    tell = say or _nothing
    kept = _kept(path, published)
    if kept is not None:
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    busy = f"another process is fetching the description of {published.vendor}; waiting"
    with exclusive(folder / ".lock", tell, busy):
        kept = _kept(path, published)
        if kept is not None:
            return kept
        address = find_registry().rstrip("/") + published.address
        tell(f"fetching the published description of {published.vendor} (once)")
        content = _taken_out(published, _checked(published, _download(published, address, tell)))
        with tempfile.TemporaryDirectory(dir=folder) as staging:
            staged = Path(staging) / path.name
            staged.write_bytes(content)
            staged.replace(path)
        tell(f"the description of {published.vendor} is in {path}")
        return content


def _nothing(line: str) -> None:
    del line


def _kept(path: Path, published: Published) -> bytes | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    return content if hashlib.sha256(content).hexdigest() == published.sha256 else None


def _download(published: Published, address: str, say: Say) -> bytes:
    timeout = httpx.Timeout(SILENCE_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    started = told = time.monotonic()
    chunks: list[bytes] = []
    size = 0
    try:
        with httpx.stream("GET", address, timeout=timeout, follow_redirects=True) as response:
            response.raise_for_status()
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                now = time.monotonic()
                if size > published.max_bytes:
                    raise NotToBeHad(_why(published, f"it is larger than {published.max_bytes} B"))
                if now - started > DOWNLOAD_TIMEOUT_S:
                    raise NotToBeHad(_why(published, f"no end after {DOWNLOAD_TIMEOUT_S:.0f} s"))
                if now - told > PROGRESS_INTERVAL_S:
                    told = now
                    say(f"  {now - started:4.0f} s  {size / 1e6:.1f} MB")
    except httpx.HTTPError as error:
        raise NotToBeHad(_why(published, str(error) or type(error).__name__)) from error
    return b"".join(chunks)


def _checked(published: Published, archive: bytes) -> bytes:
    digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if f"sha512-{digest}" != published.integrity:
        raise NotToBeHad(_why(published, "it is not what the registry published: digests differ"))
    return archive


def _taken_out(published: Published, archive: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as packed:
        entry = packed.getmember(published.member)
        stream = packed.extractfile(entry) if entry.size <= MAX_UNPACKED_BYTES else None
        if stream is None:
            raise NotToBeHad(_why(published, f"{published.member} is no file, or too large"))
        content = stream.read()
    if published.beginning:
        text = content[content.index(published.beginning) :].decode("utf-8", "replace")
        _, end = json.JSONDecoder().raw_decode(text)
        content = text[:end].encode()
    if hashlib.sha256(content).hexdigest() != published.sha256:
        raise NotToBeHad(_why(published, "the description in it is not the pinned one"))
    return content


def _why(published: Published, reason: str) -> str:
    return (
        f"no description of {published.vendor}: {published.package}@{published.version}: {reason}\n"
        "it is fetched once from the npm registry; connect, or set NPM_CONFIG_REGISTRY to a mirror"
    )


def registry() -> str:
    """The npm registry this user has configured, by environment, npm or its file."""
    for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
        if os.environ.get(name):
            return os.environ[name]
    return _told_by_npm() or written_in(Path.home() / ".npmrc") or PUBLIC_REGISTRY


def _told_by_npm() -> str:
    npm = shutil.which("npm")
    if npm is None:
        return ""
    try:
        answer = subprocess.run(
            [npm, "config", "get", "registry"],
            capture_output=True,
            text=True,
            check=False,
            timeout=NPM_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return ""
    address = answer.stdout.strip()
    return address if address.startswith(("https://", "http://")) else ""


def written_in(settings: Path) -> str:
    """The registry an npm settings file names, or nothing."""
    if not settings.is_file():
        return ""
    text = settings.read_text("utf-8", "replace")
    found = re.findall(r"^\s*registry\s*=\s*[\"']?(https?://[^\s\"']+)", text, re.MULTILINE)
    return str(found[-1]) if found else ""


def main() -> None:
    """Make sure both descriptions are in the cache."""
    try:
        for published in (ELEVENLABS, TWILIO):
            obtain(published, cache_folder() / "published", registry, _say_on_stderr)
    except NotToBeHad as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _say_on_stderr(line: str) -> None:
    sys.stderr.write(f"published: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
