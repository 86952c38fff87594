"""What happens to a request before the route it is for, wherever a token is needed.

One dependency and not three: the framework goes through everything a dependency hangs on each time
it is named, and every request would pay for who is asking several times over.
"""

from fastapi import Request

from api.actions import require_right
from api.idempotency import claim_request
from api.rates import keep_pace
from api.security import Caller


async def enter(request: Request, caller: Caller) -> None:
    """Count the request, ask for the right it needs, claim its key; raises what these raise."""
    keep_pace(request, caller)
    await require_right(request, caller)
    await claim_request(request, caller)
