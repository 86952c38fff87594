"""What a user may write as a repository address never runs a program or reads this machine."""

from pathlib import Path

import pytest

from trunkline.adapters.git import GitSource, checked_repository
from trunkline.model.errors import InvalidSettings


@pytest.mark.parametrize(
    "address",
    [
        "",
        "--upload-pack=touch /tmp/x",
        "-oProxyCommand=x",
        "ext::sh -c touch% x",
        "ext::sh",
        "fd::17",
        "file:///srv/git/r.git",
        "FILE:///srv/git/r.git",
        "/srv/git/r.git",
        "../r.git",
        "r.git",
        "C:\\repositories\\r",
        "ftp://git.example.com/r.git",
        "javascript://git.example.com/r.git",
        "ssh://-oProxyCommand=x/r.git",
        "-x@git.example.com:r.git",
        "git@git.example.com:-r.git",
        "https:///r.git",
        "https://user:password@git.example.com/r.git",
        "https://token@git.example.com/r.git",
        "https://git.example.com/r.git\n--option",
        "https://git.example.com/r r.git",
        "https://[bad/r.git",
    ],
)
def test_it_is_refused(address: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        checked_repository(address)
    assert raised.value.hint
    assert "password" not in raised.value.message
    assert "token@" not in raised.value.message


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example.com/team/r.git",
        "http://gitea.internal:3000/team/r",
        "ssh://git@git.example.com:22/team/r.git",
        "git@git.example.com:team/r.git",
        "git://git.example.com/r.git",
    ],
)
def test_it_is_taken(address: str) -> None:
    assert checked_repository(address) == address


@pytest.mark.parametrize("address", ["/srv/git/r.git", "file:///srv/git/r.git"])
def test_a_local_one_needs_the_local_stack(address: str) -> None:
    assert checked_repository(address, allow_local=True) == address
    with pytest.raises(InvalidSettings):
        checked_repository(address)


@pytest.mark.parametrize("address", ["ext::sh", "-x", "r.git"])
def test_even_the_local_stack_may_not_run_programs(address: str) -> None:
    with pytest.raises(InvalidSettings):
        checked_repository(address, allow_local=True)


@pytest.mark.parametrize(
    "branch", ["", "-b", "a b", "a..b", "a:b", "a^", "x.lock", "/a", "a/", "a*", "@{u}"]
)
def test_a_branch_that_is_none_is_refused(branch: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings):
        GitSource("https://git.example.com/r.git", branch, cache=tmp_path)
