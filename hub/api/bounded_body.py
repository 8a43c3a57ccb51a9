"""Request bodies from callers who are not known yet: read up to a limit, whatever length they announce."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from hub.errors import Unprocessable

MOST_BYTES: Final = 32_768
Body = TypeVar("Body", bound=BaseModel)


async def read_bounded(request: Request, *, most_bytes: int = MOST_BYTES) -> bytes:
    """The body.

    Raises:
        Unprocessable: it is longer; the rest is not read.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most_bytes:
            raise Unprocessable(f"the body has more than {most_bytes} bytes")
    return bytes(body)


def json_body(model: type[Body]) -> Callable[[Request], Awaitable[Body]]:
    """Dependency that yields the body as the model; the answer to a wrong one never repeats it."""

    async def read(request: Request) -> Body:
        # No form of another site can send this type, and no script may without being asked first.
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Unprocessable("the body must be application/json")
        try:
            return model.model_validate_json(await read_bounded(request))
        except ValidationError as error:
            places = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}"
                for e in error.errors(include_input=False, include_url=False, include_context=False)[:10]
            )
            raise Unprocessable(places) from None

    return read
