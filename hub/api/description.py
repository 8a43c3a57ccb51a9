"""The API's own description."""

from typing import Any

from fastapi import APIRouter, Depends, Request

from hub.api.deps import require

router = APIRouter(tags=["description"])


@router.get(
    "/api/v1/openapi.json",
    dependencies=[Depends(require("clinician", "technician", "attendant", "administrator", "kiosk"))],
    include_in_schema=False,
)
def openapi(request: Request) -> dict[str, Any]:
    """OpenAPI document of this hub."""
    document: dict[str, Any] = request.app.openapi()
    return document
