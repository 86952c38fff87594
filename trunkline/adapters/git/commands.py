"""Running Git so that nothing around it matters and nothing of it hangs or leaks.

Git listens to dozens of variables and files of whoever starts it. Here it gets a home, a
configuration and a list of protocols of its own, no hooks, no prompts and no helpers; a deadline
after which it and all it started are killed; and its words are freed of credentials before anybody
sees them. Knows no manifests.
"""

import base64
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp

from trunkline import tracing
from trunkline.adapters.git.addresses import REMOTE_PROTOCOLS
from trunkline.model.errors import InvalidSettings
from trunkline.model.limits import GIT_OUTPUT_MAX_CHARACTERS

_CONFIGURATION = """\
[core]
\thooksPath = /dev/null
\tfsmonitor = false
[credential]
\thelper =
[safe]
\tdirectory = *
[gc]
\tautoDetach = false
[http]
\tfollowRedirects = initial
\tlowSpeedLimit = 100
\tlowSpeedTime = 20
[submodule]
\trecurse = false
"""

_TRANSCRIPT_MAX_CHARACTERS = 65_536
"""What is read of a failed command's words; servers greet with banners before they say why."""
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=10"


@dataclass(frozen=True, slots=True)
class GitBounds:
    """Deadlines: asking a server for a ref, fetching, pushing, reading objects, waiting for the
    cache.
    """

    list_timeout_s: float = 30.0
    fetch_timeout_s: float = 240.0
    push_timeout_s: float = 120.0
    read_timeout_s: float = 60.0
    lock_timeout_s: float = 240.0


class GitFailed(Exception):
    """Git ended with an error; ``words`` is what it said, without credentials, and ``transcript``
    all of it together with what it wrote until then.
    """

    def __init__(
        self, status: int, words: str, *, timed_out: bool = False, transcript: str = ""
    ) -> None:
        super().__init__(words)
        self.status = status
        self.words = words
        self.timed_out = timed_out
        self.transcript = transcript or words


class GitCommands:
    """Git commands for one repository folder, isolated from the machine's configuration.

    ``home`` is a folder for the configuration; ``token`` is a password, or ``user:password``, for
    web addresses; it reaches Git through its environment only and follows no redirect.
    """

    def __init__(
        self, folder: Path, *, home: Path, token: str = "", allow_local: bool = False
    ) -> None:
        self._folder = folder
        self._secrets = _secret_forms(token)
        self._environment = _environment(folder, home, token, allow_local=allow_local)

    def run(
        self,
        arguments: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> bytes:
        """What the command wrote. Raises GitFailed."""
        with tracing.span(f"git {arguments[0]}", kind="client") as span:
            try:
                return self._run(arguments, timeout_s=timeout_s, stdin=stdin, extra=extra)
            except GitFailed as error:
                if error.timed_out:
                    raise
                failed = error
            # Some commands answer by their status: whoever asked knows whether that is a failure.
            span.say({"process.exit.code": failed.status})
        raise failed

    def _run(
        self,
        arguments: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes | None,
        extra: Mapping[str, str] | None,
    ) -> bytes:
        process = self.start(arguments, extra=extra)
        try:
            output, errors = process.communicate(stdin, timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            kill(process)
            process.communicate()
            message = f"git {arguments[0]} did not end within {timeout_s:g} s"
            raise GitFailed(-signal.SIGKILL, message, timed_out=True) from error
        except BaseException:
            kill(process)
            raise
        if process.returncode:
            raise GitFailed(
                process.returncode,
                self._scrubbed(errors)[:GIT_OUTPUT_MAX_CHARACTERS],
                transcript=self._scrubbed(output + b"\n" + errors)[:_TRANSCRIPT_MAX_CHARACTERS],
            )
        return output

    def start(
        self, arguments: Sequence[str], *, extra: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """The running process, in a group of its own, with pipes on all three streams."""
        from git.cmd import Git  # noqa: PLC0415 - it takes memory
        from git.exc import GitCommandNotFound  # noqa: PLC0415

        try:
            started = Git(self._folder.parent).execute(
                ["git", *arguments],
                istream=subprocess.PIPE,
                as_process=True,
                env={**self._environment, **(extra or {})},
                start_new_session=True,
            )
        except GitCommandNotFound as error:
            raise InvalidSettings("git is not installed", hint="Install Git 2.31 or newer.") from (
                error
            )
        process = started.proc
        started.proc = None
        if process is None:
            raise InvalidSettings("git could not be started", hint="Install Git 2.31 or newer.")
        return process

    def _scrubbed(self, errors: bytes) -> str:
        words = errors.decode("utf-8", "replace").strip()
        for secret in self._secrets:
            words = words.replace(secret, "***")
        return re.sub(r"://[^/@\s]+@", "://", words)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process and everything it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def write_configuration(home: Path) -> None:
    """The configuration every command reads instead of the machine's and the user's."""
    target = home / "gitconfig"
    if target.is_file() and target.read_text(encoding="utf-8") == _CONFIGURATION:
        return
    home.mkdir(parents=True, exist_ok=True)
    descriptor, draft = mkstemp(prefix="gitconfig.", dir=home)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_CONFIGURATION)
    Path(draft).replace(target)


def _environment(folder: Path, home: Path, token: str, *, allow_local: bool) -> dict[str, str]:
    protocols = [*REMOTE_PROTOCOLS, "file"] if allow_local else REMOTE_PROTOCOLS
    environment = {
        "GIT_DIR": str(folder),
        "GIT_COMMON_DIR": str(folder),
        "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        "GIT_NAMESPACE": "",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_PARAMETERS": "",
        "GIT_CONFIG_COUNT": "0",
        "GIT_ALLOW_PROTOCOL": ":".join(protocols),
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_SSH_COMMAND": _SSH,
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TRACE": "0",
        "GIT_TRACE_CURL": "0",
        "GIT_TRACE_PACKET": "0",
        "HOME": str(home),
    }
    if token:
        environment["GIT_CONFIG_COUNT"] = "2"
        environment["GIT_CONFIG_KEY_0"] = "http.extraHeader"
        environment["GIT_CONFIG_VALUE_0"] = f"Authorization: Basic {_basic(token)}"
        environment["GIT_CONFIG_KEY_1"] = "http.followRedirects"
        environment["GIT_CONFIG_VALUE_1"] = "false"
    return environment


def _pair(token: str) -> str:
    return token if ":" in token else f"x-access-token:{token}"


def _basic(token: str) -> str:
    if re.search(r"[\x00-\x20\x7f]", token):
        raise InvalidSettings(
            "the Git token holds spaces or control characters",
            hint="Copy the token again, without a line break.",
        )
    return base64.b64encode(_pair(token).encode()).decode("ascii")


def _secret_forms(token: str) -> tuple[str, ...]:
    if not token:
        return ()
    return (_basic(token), _pair(token), token, token.rpartition(":")[2])
