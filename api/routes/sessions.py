"""Who asks, and how a browser that signed in signs out."""

from fastapi import APIRouter, Response

from api.parameters import RequestId
from api.problems import problem_documents
from api.security import SESSION_COOKIE, Caller, InstalledServices
from api.sign_in import MeAnswer, SignedOutAnswer, drop_cookie, me_answer

router = APIRouter(prefix="/v1")


@router.post("/sign-out", tags=["sign-in"], responses=problem_documents(401, 403, 409, 503))
async def sign_out(
    services: InstalledServices, caller: Caller, response: Response, request_id: RequestId
) -> SignedOutAnswer:
    """Forget the session of this browser. 409 for a token, which is revoked instead."""
    address = await services.sign_in.sign_out(caller, request_id=request_id)
    drop_cookie(response, services.sign_in.public_url, SESSION_COOKIE)
    return SignedOutAnswer(provider_address=address or None)


@router.get("/me", tags=["sign-in"], responses=problem_documents(401, 503))
async def read_me(services: InstalledServices, caller: Caller) -> MeAnswer:
    """Who asks, by token or session, what they may do where, and until when."""
    names = await services.projects.names(caller)
    return me_answer(caller, await services.sign_in.own(caller), names)
