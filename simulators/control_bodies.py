"""How a control-plane route reads its body: a pydantic model in, JSON out, 400 when it is wrong."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from simulators.wire import Answer, Json, Request, json_answer

Body = TypeVar("Body", bound=BaseModel)
Outcome = Json | Answer


def control(
    model: type[Body], act: Callable[[Body], Outcome | Awaitable[Outcome]]
) -> Callable[[Request], Awaitable[Answer]]:
    """A handler that checks the body against the model and answers with what ``act`` returns."""

    async def handle(request: Request) -> Answer:
        try:
            body = model.model_validate_json(request.body or b"{}")
            acted = act(body)
            outcome = await acted if inspect.isawaitable(acted) else acted
        except ValidationError as error:
            problems = [
                {"loc": list(flaw["loc"]), "msg": flaw["msg"]}
                for flaw in error.errors(include_url=False, include_context=False)
            ]
            return json_answer({"error": "invalid control body", "problems": problems}, status=400)
        except ValueError as error:
            return json_answer({"error": str(error)}, status=400)
        return outcome if isinstance(outcome, Answer) else json_answer(outcome)

    return handle
