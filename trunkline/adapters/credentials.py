"""Where credentials come from: the server's environment and mounted files, by allow-list.

A manifest names a credential; what it may name is decided here, by server configuration alone:
variables that carry the project's prefix, files in the project's folder, and, for the first
project, the vendors' own variables. Values are read at every use, so that a rotated one counts at
once, and nothing here keeps, logs or repeats one.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from trunkline.model.errors import InvalidSettings
from trunkline.model.ids import secret_prefix
from trunkline.model.limits import SECRET_MAX_BYTES

SECRETS_FOLDER = Path("/run/secrets")
VENDOR_VARIABLES = frozenset({"ELEVENLABS_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"})
PUBLIC_VARIABLE = "TWILIO_ACCOUNT_SID"
"""An account's id is no secret and names the account in logs."""

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def variable_prefix(project: str) -> str:
    """The beginning of every variable a project may name."""
    return secret_prefix(project)


class Credentials:
    """Secret values of the server, by project."""

    def __init__(
        self,
        *,
        first_project: str,
        environment: Mapping[str, str] = os.environ,
        secrets_folder: Path = SECRETS_FOLDER,
        handed_out: Callable[[str], None] | None = None,
    ) -> None:
        """``handed_out`` hears every value, so that logs can be kept free of it."""
        self._first_project = first_project
        self._environment = environment
        self._secrets_folder = secrets_folder
        self._handed_out = handed_out

    def __repr__(self) -> str:
        return f"Credentials({self._secrets_folder})"

    def may_use_vendor_variables(self, project: str) -> bool:
        """True for the project that the server's settings register."""
        return project == self._first_project

    def secret(self, project: str, name: str) -> str:
        """A secret that tools use: a variable with the project's prefix, or a mounted file.

        Raises InvalidSettings if the name is not on the allow-list or nothing is stored there.
        """
        if name.startswith(variable_prefix(project)) and self._environment.get(name):
            return self._told(self._environment[name])
        if _FILE_NAME.fullmatch(name) and (value := self._mounted(project, name)) is not None:
            return self._told(value)
        raise _absent(project, name)

    def variable(self, project: str, name: str) -> str:
        """A variable an account names. Raises InvalidSettings."""
        allowed = name.startswith(variable_prefix(project)) or (
            name in VENDOR_VARIABLES and self.may_use_vendor_variables(project)
        )
        value = self._environment.get(name, "").strip() if allowed else ""
        if not value and allowed and name in VENDOR_VARIABLES:
            raise InvalidSettings(
                f"project {project} has no {name} on this server",
                hint=f"set {name} in the environment this runs in",
            )
        if not value:
            raise _absent(project, name)
        return value if name == PUBLIC_VARIABLE else self._told(value)

    def file(self, project: str, path: str) -> str:
        """A file an account names by its whole path. Raises InvalidSettings."""
        folder = f"{SECRETS_FOLDER}/{project}/"
        if path.startswith(folder):
            value = self._mounted(project, path.removeprefix(folder))
            if value is not None:
                return self._told(value)
        raise _absent(project, path)

    def _told(self, value: str) -> str:
        if self._handed_out is not None:
            self._handed_out(value)
        return value

    def _mounted(self, project: str, name: str) -> str | None:
        """The text of a file inside the project's folder, links followed only within it."""
        folder = (self._secrets_folder / project).resolve()
        path = (folder / name).resolve()
        if folder.parent != self._secrets_folder.resolve() or not path.is_relative_to(folder):
            return None
        try:
            with path.open("rb") as file:
                content = file.read(SECRET_MAX_BYTES + 1)
            text = content.decode("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return text if text and len(content) <= SECRET_MAX_BYTES else None


def _absent(project: str, name: str) -> InvalidSettings:
    return InvalidSettings(
        f"project {project} has no secret {name} on this server",
        hint=(
            f"set a variable that begins with {variable_prefix(project)}, "
            f"or mount a file in {SECRETS_FOLDER}/{project}/"
        ),
    )
