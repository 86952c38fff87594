"""Who decides something, and in which request: one thing for every route that passes both on."""

from typing import Annotated

from fastapi import Depends

from api.parameters import RequestId
from api.security import Caller
from trunkline.services import control


async def _deciding(caller: Caller, request_id: RequestId) -> control.Caller:
    return control.Caller(caller, request_id)


Deciding = Annotated[control.Caller, Depends(_deciding)]
