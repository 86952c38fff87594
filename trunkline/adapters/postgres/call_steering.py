"""What calls are told while they go on: context in slots, and commands. One room of the store.

Edits of one call's slots wait for each other at the call's row, so that two people who change two
slots both win, and whoever names what is to be replaced replaces nothing else.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from trunkline.adapters.postgres.calls import locked_call
from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import readable, readable_json
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.calls.commands import CallCommand
from trunkline.model.calls.context import ContextSlot, SlotEdit
from trunkline.model.errors.calls import SlotChanged

_SLOTS = """
SELECT slot, value, revision, set_by, set_at, expires_at, given_at FROM call_slots
WHERE project = %(project)s AND call_id = %(call)s ORDER BY slot
"""
_SET_SLOT = """
INSERT INTO call_slots AS stored
    (project, call_id, slot, value, revision, set_by, set_at, expires_at)
VALUES (%(project)s, %(call)s, %(slot)s, %(value)s, 1, %(by)s, %(now)s, %(expires_at)s)
ON CONFLICT (project, call_id, slot) DO UPDATE SET
    value = excluded.value, revision = stored.revision + 1, set_by = excluded.set_by,
    set_at = excluded.set_at, expires_at = excluded.expires_at, given_at = NULL
"""
_GIVEN = """
UPDATE call_slots SET given_at = %(at)s
WHERE project = %(project)s AND call_id = %(call)s AND slot = %(slot)s
    AND revision = %(revision)s AND given_at IS NULL
"""
_COMMAND_COLUMNS = """
    id, project, call_id AS call, kind, body, asked_by, asked_at, done_at, failure
"""
_PUT_COMMAND = f"""
INSERT INTO call_commands (project, call_id, kind, body, asked_by, asked_at)
VALUES (%(project)s, %(call)s, %(kind)s, %(body)s, %(asked_by)s, %(asked_at)s)
RETURNING {_COMMAND_COLUMNS}
"""  # noqa: S608 - columns of ours
_COMMAND = f"""
SELECT {_COMMAND_COLUMNS} FROM call_commands WHERE project = %(project)s AND id = %(id)s
"""  # noqa: S608 - columns of ours
_OPEN_COMMANDS = f"""
SELECT {_COMMAND_COLUMNS} FROM call_commands
WHERE project = %(project)s AND call_id = %(call)s AND done_at IS NULL ORDER BY id
"""  # noqa: S608 - columns of ours
_CONCLUDE = """
UPDATE call_commands SET done_at = %(at)s, failure = %(failure)s
WHERE id = %(id)s AND done_at IS NULL
"""


class CallSteeringTables(Tables):
    """Slots and commands of the Calls port."""

    async def slots(self, project: str, call_id: str) -> tuple[ContextSlot, ...]:
        """Every slot the call ever had, by name."""
        async with self._pool.connection() as connection:
            return await _slots(connection, {"project": project, "call": call_id})

    async def edit_slots(
        self, project: str, call_id: str, edits: Sequence[SlotEdit], *, by: str, now: datetime
    ) -> tuple[ContextSlot, ...]:
        """All of the edits or none; the answer is every slot. What was never there is not taken
        away; what the call is to begin with is there. Raises SlotChanged, NotFound.
        """
        place = {"project": project, "call": call_id}
        async with self._pool.transaction() as connection:
            began = (await locked_call(connection, project, call_id)).context
            known = {one.slot: one.revision for one in await _slots(connection, place)}
            for edit in edits:
                _require_expected(edit, known.get(edit.slot, 0))
            for edit in edits:
                if edit.value is None and not {edit.slot} & {*known, *began}:
                    continue
                value = readable(edit.value) if edit.value is not None else None
                await connection.execute(
                    _SET_SLOT,
                    {
                        **place,
                        "slot": edit.slot,
                        "value": value,
                        "by": by,
                        "now": now,
                        "expires_at": edit.expires_at,
                    },
                )
            return await _slots(connection, place)

    async def slots_given(
        self, project: str, call_id: str, slots: Mapping[str, int], at: datetime
    ) -> None:
        """The agent was told these revisions of slots; the first time stays."""
        place = {"project": project, "call": call_id, "at": at}
        rows = [{**place, "slot": name, "revision": slots[name]} for name in sorted(slots)]
        async with self._pool.transaction() as connection:
            await connection.cursor().executemany(_GIVEN, rows)

    async def put_command(self, command: CallCommand) -> CallCommand:
        """Insert and tell the process that carries the call. Raises NotFound."""
        values = {**command.model_dump(by_alias=False), "body": readable_json(command.body)}
        async with self._pool.transaction() as connection:
            await locked_call(connection, command.project, command.call)
            row = await (await connection.execute(_PUT_COMMAND, values)).fetchone()
        return CallCommand.model_validate(row)

    async def command(self, project: str, command_id: int) -> CallCommand | None:
        """One command, with what became of it."""
        row = await self._found(_COMMAND, {"project": project, "id": command_id})
        return CallCommand.model_validate(row) if row is not None else None

    async def open_commands(self, project: str, call_id: str) -> tuple[CallCommand, ...]:
        """Commands nobody has carried out, oldest first."""
        rows = await self._listed(_OPEN_COMMANDS, {"project": project, "call": call_id})
        return tuple(CallCommand.model_validate(row) for row in rows)

    async def conclude_command(self, command_id: int, at: datetime, failure: str) -> None:
        """Say what became of a command; the first word stays."""
        values = {"id": command_id, "at": at, "failure": readable(failure)}
        async with self._pool.connection() as connection:
            await connection.execute(_CONCLUDE, values)


def _require_expected(edit: SlotEdit, revision: int) -> None:
    if edit.replaces is not None and edit.replaces != revision:
        raise SlotChanged(
            f"the slot {edit.slot} is at revision {revision} by now, not {edit.replaces}",
            hint="Read the slots again and decide anew.",
        )


async def _slots(connection: Connection, place: dict[str, Any]) -> tuple[ContextSlot, ...]:
    rows = await (await connection.execute(_SLOTS, place)).fetchall()
    return tuple(ContextSlot.model_validate(row) for row in rows)
