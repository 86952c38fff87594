"""The three error bodies ElevenLabs gives, and when.

Shape A carries type, code, status, message and a request id; shape B is the older status and
message; shape C is the list of fields a validation refused. Handlers raise `Refused`; this module
turns it into an answer.
"""

from __future__ import annotations

from simulators.wire import Answer, Json, json_answer

REQUEST_ID = "simulated"
TYPES = {
    400: "validation_error",
    401: "authentication_error",
    402: "payment_required",
    403: "authorization_error",
    404: "not_found",
    405: "invalid_request",
    409: "conflict",
    413: "invalid_request",
    429: "rate_limit_error",
    503: "service_unavailable",
}
SERVER_ERROR = 500


class Refused(Exception):
    """A request the vendor answers with an error; carries the whole answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body.decode())
        self.answer = answer


def current(
    status: int, code: str, message: str, *, param: str | None = None, legacy: str | None = None
) -> Answer:
    """Shape A. ``legacy`` is the older ``status`` word where it differs from the code."""
    fallback = "internal_error" if status >= SERVER_ERROR else "validation_error"
    detail: Json = {
        "type": TYPES.get(status, fallback),
        "code": code,
        "status": legacy or code,
        "message": message,
        "request_id": REQUEST_ID,
    }
    if param is not None:
        detail["param"] = param
    return json_answer({"detail": detail}, status=status)


def refused(status: int, code: str, message: str, *, param: str | None = None) -> Refused:
    """A refusal in shape A."""
    return Refused(current(status, code, message, param=param))


def not_found(kind: str, object_id: str) -> Refused:
    """Shape B with 404: what a fetch of an unknown id gives."""
    detail = {
        "status": "document_not_found",
        "message": f"{kind} with id {object_id} not found.",
    }
    return Refused(json_answer({"detail": detail}, status=404))


def unprocessable(errors: list[Json]) -> Refused:
    """Shape C with 422: the fields that were refused."""
    return Refused(json_answer({"detail": errors}, status=422))


def unauthorized(*, key_given: bool) -> Refused:
    """Shape A with 401: no key, or one that is not known."""
    if key_given:
        answer = current(401, "unauthorized", "Invalid API key", legacy="invalid_api_key")
    else:
        answer = current(
            401,
            "unauthorized",
            "Neither authorization header nor xi-api-key received, please provide one.",
            legacy="needs_authorization",
        )
    return Refused(answer)
