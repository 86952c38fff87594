"""What signing in answers: who somebody is, and pages for a browser that cannot go on.

Cookies are set here in one way: out of reach of scripts, for this host and all of its paths.
"""

from datetime import datetime
from html import escape
from typing import Literal

from fastapi import Response
from pydantic import ConfigDict

from api.administration import GrantAnswer
from api.answers import Answer
from api.security import HOST_PREFIX, cookie_name
from trunkline.model.errors import TrunklineError
from trunkline.model.records import Role, TokenRecord
from trunkline.services.access import Principal

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Trunkline: not signed in</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 4rem auto;
padding: 0 1rem }} small {{ color: #666 }}</style></head>
<body><h1>You are not signed in</h1>
<p>{message}.</p>
<p>{hint}</p>
<p><a href="/v1/sign-in">Sign in again</a></p>
<p><small>Request {request_id}</small></p></body>
</html>
"""


class PlaceAnswer(Answer):
    """A project the caller reaches, and the role that counts there."""

    project: str
    role: Role


class MeAnswer(Answer):
    """Who asks, and what they may do. ``signedInBy`` `session` is a browser that signed in.

    ``roles`` is what was given; ``projects`` says project by project which role counts.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "person": "author@example.com",
                "signedInBy": "session",
                "id": "session-2f1c9be0a47d",
                "roles": [{"role": "operator", "project": "acme"}],
                "projects": [{"project": "acme", "role": "operator"}],
                "createdAt": "2026-03-02T09:15:00Z",
                "expiresAt": "2026-03-02T17:15:00Z",
            }
        }
    )

    person: str
    signed_in_by: Literal["token", "session"]
    id: str
    roles: tuple[GrantAnswer, ...]
    projects: tuple[PlaceAnswer, ...]
    created_at: datetime | None
    expires_at: datetime | None


class SignedOutAnswer(Answer):
    """The session is gone. ``providerAddress`` is where a browser goes to be signed out at the
    identity provider, too; null if there is no such place.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"providerAddress": "https://sso.example.com/logout?client_id=trunkline"}
        }
    )

    provider_address: str | None


def me_answer(caller: Principal, own: TokenRecord | None, projects: tuple[str, ...]) -> MeAnswer:
    """Who asks; ``projects`` are those that exist for them."""
    places = [(name, caller.within(name)) for name in projects]
    return MeAnswer(
        person=caller.person,
        signed_in_by=caller.kind,
        id=caller.token_id,
        roles=tuple(GrantAnswer(role=one.role, project=one.project) for one in caller.granted),
        projects=tuple(
            PlaceAnswer(project=name, role=here.role) for name, here in places if here is not None
        ),
        created_at=own.created_at if own else None,
        expires_at=own.expires_at if own else None,
    )


def set_cookie(answer: Response, public_url: str, name: str, value: str, *, age_s: int) -> None:
    """Give the browser something to hold."""
    full = cookie_name(public_url, name)
    answer.set_cookie(
        full,
        value,
        max_age=age_s,
        path="/",
        secure=full.startswith(HOST_PREFIX),
        httponly=True,
        samesite="lax",
    )


def drop_cookie(answer: Response, public_url: str, name: str) -> None:
    """Take it back."""
    full = cookie_name(public_url, name)
    answer.delete_cookie(
        full, path="/", secure=full.startswith(HOST_PREFIX), httponly=True, samesite="lax"
    )


def failure_page(error: TrunklineError, status: int, request_id: str) -> Response:
    """An error as a person in a browser reads it."""
    page = _PAGE.format(
        message=escape(error.message), hint=escape(error.hint), request_id=escape(request_id)
    )
    headers = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"}
    return Response(page, status, media_type="text/html", headers=headers)
