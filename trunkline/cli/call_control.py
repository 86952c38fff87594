"""``calls context|note|hangup|transfer``: steering a call that goes on."""

from collections.abc import Sequence

from trunkline.cli.ages import until
from trunkline.cli.exits import ExitCode, WrongUsage, complain
from trunkline.cli.listing import Column, Listing, member, print_listing, since
from trunkline.cli.printing import Format, print_document, print_text
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.model.base import JsonObject
from trunkline.model.calls.limits import COMMAND_WAIT_MAX_S

DONE = "done"
FAILED = "failed"

SLOTS = Listing(
    kind="ContextSlotList",
    columns=(
        Column("SLOT", member("slot")),
        Column("REVISION", member("revision")),
        Column("SET-BY", member("setBy")),
        Column("AGE", since("setAt")),
        Column("EXPIRES-IN", lambda slot: until(text(slot, "expiresAt"))),
        Column("GIVEN", since("givenAt")),
        Column("VALUE", member("value")),
    ),
    name=member("slot"),
    empty="The call has no context.",
)


def context(
    server: Server,
    project: str | None,
    call: str,
    *,
    changes: Sequence[str],
    remove: Sequence[str],
    expires_in: str | None,
    style: Format,
    headers: bool,
) -> ExitCode:
    """Change slots if any are named, wait for the agent to be told, and print every slot."""
    path = f"{_call_path(server, project, call)}/context"
    if not changes and not remove:
        if expires_in is not None:
            raise WrongUsage("--expires-in goes with SLOT=VALUE")
        answer = server.get(path)
    else:
        answer = server.patch(
            f"{path}?wait={COMMAND_WAIT_MAX_S:g}", _change(changes, remove, expires_in)
        )
    slots = objects(answer.get("slots"))
    print_listing(SLOTS, slots, style, headers=headers)
    named = {change.partition("=")[0] for change in changes} | set(remove)
    untold = [name for slot in slots if (name := text(slot, "slot")) in named and _is_open(slot)]
    if untold:
        complain(f"the agent has not been told of {', '.join(untold)} yet")
        return ExitCode.TIMEOUT
    return ExitCode.DONE


def tell(
    server: Server, project: str | None, call: str, verb: str, body: JsonObject, *, style: Format
) -> ExitCode:
    """Tell a call something, wait, and say what became of it."""
    path = f"{_call_path(server, project, call)}/{verb}?wait={COMMAND_WAIT_MAX_S:g}"
    command = server.post(path, body)
    state = text(command, "state")
    if style in {Format.JSON, Format.YAML}:
        print_document(command, style)
    else:
        print_text(f"{verb} {call}: {state} {text(command, 'failure')}".rstrip())
        if note := text(command, "note"):
            print_text(f"  {note}")
    if state == FAILED:
        return ExitCode.FAILED
    if state != DONE:
        complain("not carried out yet; the process that carries the call does it when it can")
        return ExitCode.TIMEOUT
    return ExitCode.DONE


def _change(changes: Sequence[str], remove: Sequence[str], expires_in: str | None) -> JsonObject:
    wanted: JsonObject = {}
    for change in changes:
        slot, equals, value = change.partition("=")
        if not slot or not equals:
            raise WrongUsage(f"{change!r} is no change", hint="Write SLOT=VALUE")
        wanted[slot] = {"value": value, **({"expiresIn": expires_in} if expires_in else {})}
    return {"set": wanted, "remove": list(remove)}


def _is_open(slot: JsonObject) -> bool:
    return slot.get("givenAt") is None


def _call_path(server: Server, project: str | None, call: str) -> str:
    return f"{project_path(server, project)}/calls/{call}"
