"""Operations that begin: the row is there before Temporal hears of it, so that whoever asked can
always look.
"""

import secrets

from trunkline.model.records import OperationKind, OperationRecord
from trunkline.ports import Operations


async def opened(
    operations: Operations, project: str, kind: OperationKind, *, by: str
) -> OperationRecord:
    """A new operation that a person asked for, as it is kept. Raises StoreUnavailable."""
    operation = OperationRecord(
        id=f"{kind}-{secrets.token_hex(8)}", project=project, kind=kind, requested_by=by
    )
    await operations.open_operation(operation)
    return await operations.operation(operation.id) or operation
