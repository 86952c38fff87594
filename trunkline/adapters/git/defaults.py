"""What a repository on this machine's disk calls its own branch: the one it has checked out."""

from pathlib import Path

from trunkline.adapters.git.addresses import checked_branch
from trunkline.adapters.git.commands import GitBounds, GitCommands, GitFailed, write_configuration
from trunkline.adapters.git.failures import source_error
from trunkline.model.errors import InvalidInput

_BRANCHES = "refs/heads/"


def default_branch(repository: Path, home: Path) -> str:
    """The branch HEAD stands for; ``home`` is a folder for Git's configuration. Blocks.

    Raises InvalidInput if a commit and no branch is checked out, SourceErrors for a folder that is
    no repository.
    """
    home.mkdir(parents=True, exist_ok=True)
    write_configuration(home)
    commands = GitCommands(home / "none.git", home=home, allow_local=True)
    try:
        output = commands.run(
            ("ls-remote", "--symref", "--end-of-options", str(repository), "HEAD"),
            timeout_s=GitBounds().list_timeout_s,
        )
    except GitFailed as error:
        raise source_error(error, "HEAD") from error
    for line in output.decode("utf-8", "replace").splitlines():
        target, _, name = line.partition("\t")
        if name == "HEAD" and target.startswith(f"ref: {_BRANCHES}"):
            return checked_branch(target.removeprefix(f"ref: {_BRANCHES}"))
    raise InvalidInput(
        f"{repository} has no branch checked out", hint="Name the one that is released from."
    )
