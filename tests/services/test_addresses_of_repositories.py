"""A repository has many spellings; a push is recognised in all of them and in no other."""

import pytest

from trunkline.services.webhooks import repository_key


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example.com/Team/Agents.git",
        "https://git.example.com/team/agents",
        "https://git.example.com/team/agents/",
        "https://user:secret@git.example.com/team/agents.git",
        "https://git.example.com:8443/team/agents.git",
        "ssh://git@git.example.com/team/agents.git",
        "ssh://git@git.example.com:2222/team/agents",
        "git@git.example.com:team/agents.git",
        "git.example.com:team/agents",
    ],
)
def test_spellings_of_one_repository(address: str) -> None:
    assert repository_key(address) == "git.example.com/team/agents"


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example.com/team/agents-old.git",
        "https://git.example.org/team/agents.git",
        "https://git.example.com/other/agents.git",
        "/srv/git/agents.git",
    ],
)
def test_other_repositories(address: str) -> None:
    assert repository_key(address) != "git.example.com/team/agents"


def test_a_local_path_stays_a_path() -> None:
    assert repository_key("/srv/git/agents.git") == "/srv/git/agents"
