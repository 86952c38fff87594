"""A project reaches the secrets of its own allow-list, as they are now, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.adapters.credentials import Credentials
from trunkline.model.errors import InvalidSettings
from trunkline.model.limits import SECRET_MAX_BYTES

BOOKING = "TRUNKLINE_SECRET_ACME_EU_BOOKING"


def credentials(folder: Path, **environment: str) -> Credentials:
    return Credentials(first_project="acme-eu", environment=environment, secrets_folder=folder)


def mount(folder: Path, project: str, name: str, content: bytes) -> Path:
    path = folder / project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_variable_with_the_prefix_of_the_project_is_found(tmp_path: Path) -> None:
    known = credentials(tmp_path, **{BOOKING: "b1"})
    assert known.secret("acme-eu", BOOKING) == "b1"
    assert known.variable("acme-eu", BOOKING) == "b1"


def test_a_rotated_value_counts_at_once(tmp_path: Path) -> None:
    environment = {BOOKING: "old"}
    known = Credentials(first_project="acme-eu", environment=environment, secrets_folder=tmp_path)
    path = mount(tmp_path, "acme-eu", "key", b"old\n")
    assert (known.secret("acme-eu", BOOKING), known.secret("acme-eu", "key")) == ("old", "old")
    environment[BOOKING] = "new"
    path.write_bytes(b"new\n")
    assert (known.secret("acme-eu", BOOKING), known.secret("acme-eu", "key")) == ("new", "new")


def test_every_value_handed_out_is_told_to_whoever_keeps_logs_clean(tmp_path: Path) -> None:
    told: list[str] = []
    known = Credentials(
        first_project="acme-eu",
        environment={BOOKING: "b1", "ELEVENLABS_API_KEY": "k1", "TWILIO_ACCOUNT_SID": "AC1"},
        secrets_folder=tmp_path,
        handed_out=told.append,
    )
    mount(tmp_path, "acme-eu", "key", b"mounted\n")
    known.secret("acme-eu", BOOKING)
    known.secret("acme-eu", "key")
    known.file("acme-eu", "/run/secrets/acme-eu/key")
    known.variable("acme-eu", "ELEVENLABS_API_KEY")
    known.variable("acme-eu", "TWILIO_ACCOUNT_SID")
    assert told == ["b1", "mounted", "mounted", "k1"]


@pytest.mark.parametrize(
    "name", ["PATH", "DATABASE_URL", "TRUNKLINE_GIT_TOKEN", "TRUNKLINE_SECRET_OTHER_KEY"]
)
def test_a_variable_outside_the_allow_list_is_not_readable(tmp_path: Path, name: str) -> None:
    known = credentials(tmp_path, **{name: "not for projects"})
    for read in (known.secret, known.variable):
        with pytest.raises(InvalidSettings) as raised:
            read("acme-eu", name)
        assert "not for projects" not in str(raised.value)
        assert "TRUNKLINE_SECRET_ACME_EU_" in raised.value.hint


def test_vendor_variables_are_for_the_first_project_and_its_accounts(tmp_path: Path) -> None:
    known = credentials(tmp_path, ELEVENLABS_API_KEY="k")
    assert known.variable("acme-eu", "ELEVENLABS_API_KEY") == "k"
    with pytest.raises(InvalidSettings):
        known.variable("second", "ELEVENLABS_API_KEY")
    with pytest.raises(InvalidSettings):
        known.secret("acme-eu", "ELEVENLABS_API_KEY")


def test_a_mounted_file_is_found_by_name_and_by_path(tmp_path: Path) -> None:
    mount(tmp_path, "acme-eu", "twilio/token", b" t1 \n")
    mount(tmp_path, "acme-eu", BOOKING, b"b1\n")
    known = credentials(tmp_path)
    assert known.file("acme-eu", "/run/secrets/acme-eu/twilio/token") == "t1"
    assert known.secret("acme-eu", BOOKING) == "b1"


@pytest.mark.parametrize(
    "path",
    [
        "/run/secrets/other/key",
        "/run/secrets/acme-eu/../other/key",
        "/run/secrets/acme-eu/link",
        "/run/secrets/acme-eu/",
        "/run/secrets/acme-eu/absent",
        "/run/secrets/acme-eu/empty",
        "/run/secrets/acme-eu/large",
        "/run/secrets/acme-eu/binary",
        "/etc/hostname",
    ],
)
def test_a_file_is_not_readable_at(tmp_path: Path, path: str) -> None:
    other = mount(tmp_path, "other", "key", b"of another project")
    mount(tmp_path, "acme-eu", "empty", b"\n")
    mount(tmp_path, "acme-eu", "large", b"x" * (SECRET_MAX_BYTES + 1))
    mount(tmp_path, "acme-eu", "binary", b"\xff\xfe")
    (tmp_path / "acme-eu" / "link").symlink_to(other)
    with pytest.raises(InvalidSettings):
        credentials(tmp_path).file("acme-eu", path)


@pytest.mark.parametrize("name", ["../other/key", "..", "/etc/hostname", "", ".hidden"])
def test_a_secret_is_no_path(tmp_path: Path, name: str) -> None:
    mount(tmp_path, "other", "key", b"of another project")
    mount(tmp_path, "acme-eu", ".hidden", b"hidden")
    with pytest.raises(InvalidSettings):
        credentials(tmp_path).secret("acme-eu", name)


def test_links_within_the_folder_are_followed_as_mounted_volumes_need(tmp_path: Path) -> None:
    mount(tmp_path, "acme-eu", "..2026/key", b"v1")
    (tmp_path / "acme-eu" / "..data").symlink_to("..2026")
    (tmp_path / "acme-eu" / "key").symlink_to("..data/key")
    assert credentials(tmp_path).secret("acme-eu", "key") == "v1"
