"""Shell completion: the script a shell loads, and names it may offer.

Names come from the server and are a courtesy: without a token, or if it does not answer at once,
nothing is offered and nothing is said, because a shell has no place for complaints.
"""

import os

from trunkline.cli.printing import print_text

ANSWER_TIMEOUT_S = 1.0
"""A person is waiting with a finger on the tab key."""
OFFERED_MAX = 200


def print_script(shell: str) -> None:
    """The script for ``bash``, ``zsh`` or ``fish``."""
    from typer._completion_shared import (  # noqa: PLC0415 - one verb needs it
        get_completion_script,
    )

    script = get_completion_script(
        prog_name="trunkline", complete_var="_TRUNKLINE_COMPLETE", shell=shell
    )
    print_text(script)


def agent_names(incomplete: str) -> list[str]:
    """Names of agents that begin like this."""
    return _names("agents", incomplete)


def subject_names(incomplete: str) -> list[str]:
    """Names of agents and numbers that begin like this."""
    return sorted({*agent_names(incomplete), *number_names(incomplete)})


def number_names(incomplete: str) -> list[str]:
    """Names that manifests give to numbers, as far as they begin like this."""
    return _names("numbers", incomplete)


def environment_names(incomplete: str) -> list[str]:
    """Names of environments that begin like this."""
    return _names("environments", incomplete)


def promotion_names(incomplete: str) -> list[str]:
    """Names of agents, and ids of promotions that go on, that begin like this."""
    return sorted({*agent_names(incomplete), *_names("promotions", incomplete)})


def call_ids(incomplete: str) -> list[str]:
    """Ids of calls that go on and begin like this."""
    return _names("calls", incomplete)


def project_names(incomplete: str) -> list[str]:
    """Names of projects that begin like this."""
    return _names("projects", incomplete)


def _names(what: str, incomplete: str) -> list[str]:
    from trunkline.cli.exits import WrongUsage  # noqa: PLC0415 - the shell waits for the import too
    from trunkline.cli.server import (  # noqa: PLC0415
        Query,
        Server,
        connect,
        objects,
        project_path,
        text,
    )
    from trunkline.model.errors import TrunklineError  # noqa: PLC0415

    def listed(server: Server) -> list[str]:
        if what == "projects":
            rows = objects(server.get("/v1/projects").get("items"))
            return [text(row, "name") for row in rows]
        path = project_path(server, os.environ.get("TRUNKLINE_PROJECT"))
        if what == "environments":
            rows = objects(server.get(path).get("environments"))
        elif what == "promotions":
            query: Query = {"limit": OFFERED_MAX, "open": "true"}
            rows = objects(server.get(f"{path}/promotions", query).get("items"))
            return [text(row, "id") for row in rows]
        elif what == "calls":
            query = {"limit": OFFERED_MAX, "active": "true"}
            rows = objects(server.get(f"{path}/calls", query).get("items"))
            return [text(row, "id") for row in rows]
        else:
            rows = objects(server.get(f"{path}/{what}", {"limit": OFFERED_MAX}).get("items"))
        return [text(row, "name") for row in rows]

    try:
        with connect(timeout_s=ANSWER_TIMEOUT_S) as server:
            return sorted({name for name in listed(server) if name.startswith(incomplete)})
    except (TrunklineError, WrongUsage):
        return []
