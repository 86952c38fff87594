"""Twilio's error body and the codes the look-alike uses."""

from __future__ import annotations

from simulators.wire import Answer, json_answer

AUTHENTICATE = 20003
INVALID_PARAMETER = 20001
METHOD_NOT_ALLOWED = 20004
NOT_FOUND = 20404
TOO_MANY_REQUESTS = 20429
SERVER_ERROR = 20500
TOO_MANY_CALLS = 10004
IN_PROGRESS = 20009
NO_INSTRUCTIONS = 21205
FROM_NOT_VERIFIED = 21210
INVALID_TO = 21211
INVALID_FROM = 21212
INVALID_CALL_STATE = 21220
INVALID_STREAM_URL = 31923
INVALID_URL = 21402
INVALID_METHOD = 21403
INVALID_NUMBER = 21421
NUMBER_TAKEN = 21422


class Refused(Exception):
    """A request Twilio answers with an error; carries the whole answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body.decode())
        self.answer = answer


def error_answer(status: int, code: int, message: str) -> Answer:
    """Twilio's error body."""
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return json_answer(body, status=status)


def refused(status: int, code: int, message: str) -> Refused:
    """A refusal."""
    return Refused(error_answer(status, code, message))


def not_found(path: str) -> Refused:
    """20404: the resource is not there."""
    return refused(404, NOT_FOUND, f"The requested resource {path} was not found")
