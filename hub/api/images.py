"""Images: kiosks upload them in parts, staff read them. The address is the SHA-256 of the bytes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.responses import FileResponse
from starlette.requests import ClientDisconnect

from hub.api.deps import ReadSession, RunningServices, Services, require
from hub.bus import ImageStored
from hub.db.tables import Image
from hub.errors import ImageTooLarge, NotFound, UploadOffsetMismatch
from hub.records.images import StoredImage, Upload, UploadKey, record_image
from hub.security import Principal

router = APIRouter(prefix="/api/v1", tags=["images"])
ImageHash = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the image's bytes.")]
KioskCaller = Annotated[Principal, Depends(require("kiosk"))]
Offset = Annotated[int, Header(alias="Upload-Offset", ge=0, le=2**40, description="Where these bytes begin.")]
Length = Annotated[int, Header(alias="Upload-Length", ge=1, le=2**40, description="Bytes of the whole image.")]
_WRITE_BYTES = 512 * 1024
_COMPLETE = {"Upload-Complete": "?1"}


@router.head("/images/{sha256}")
def upload_state(sha256: ImageHash, caller: KioskCaller, running: RunningServices) -> Response:
    """How much of an image is here: all (`Upload-Complete: ?1`), some (`Upload-Offset`), or nothing (404)."""
    if _settle_stored(running, sha256):
        return Response(headers=_COMPLETE)
    received = running.images.received_bytes(_key(caller, sha256))
    if received is None:
        raise NotFound("nothing of this image has arrived")
    return Response(headers={"Upload-Complete": "?0", "Upload-Offset": str(received)})


@router.patch("/images/{sha256}", status_code=201, responses={204: {"description": "More bytes are needed."}})
async def upload(
    *,
    request: Request,
    sha256: ImageHash,
    caller: KioskCaller,
    running: RunningServices,
    offset: Offset,
    length: Length,
) -> Response:
    """Take in the next bytes of an image; 201 once it is whole and verified, 204 while more are needed."""
    if length > running.settings.images.max_bytes:
        raise ImageTooLarge(f"{length} bytes; the limit is {running.settings.images.max_bytes} bytes")
    try:
        if await to_thread.run_sync(_settle_stored, running, sha256):
            await _drain(request, most=length)
            return Response(status_code=201, headers=_COMPLETE)
        return await _receive(request, running, _key(caller, sha256), offset=offset, length=length)
    except UploadOffsetMismatch:
        await _drain(request, most=length)
        raise


async def _receive(request: Request, running: Services, key: UploadKey, *, offset: int, length: int) -> Response:
    with running.images.begin(key) as upload:
        received = upload.size_bytes
        if received != offset or offset > length:
            raise UploadOffsetMismatch(
                f"{received} bytes are here, not {offset}", headers={"Upload-Offset": str(received)}
            )
        running.images.check_room(length - offset)
        await _append(request.stream(), upload, most=length - offset)
        running.metrics.image_bytes.inc(upload.size_bytes - offset)
        if upload.size_bytes < length:
            return Response(status_code=204, headers={"Upload-Offset": str(upload.size_bytes)})
        await to_thread.run_sync(_finish, running, upload)
    return Response(status_code=201, headers=_COMPLETE)


async def _append(stream: AsyncIterator[bytes], upload: Upload, *, most: int) -> None:
    """Write the request's body; what arrived before the sender went away stays."""
    start = upload.size_bytes
    buffer = bytearray()
    taken = 0
    try:
        async for data in stream:
            taken += len(data)
            if taken > most:
                upload.truncate(start)
                raise ImageTooLarge("more bytes came than the header Upload-Length announced")
            buffer += data
            if len(buffer) >= _WRITE_BYTES:
                await to_thread.run_sync(upload.write, bytes(buffer))
                buffer.clear()
    except ClientDisconnect:
        pass  # nobody is left to answer; the bytes are kept for the next request
    await to_thread.run_sync(upload.write, bytes(buffer))


def _finish(running: Services, upload: Upload) -> None:
    _note(running, upload.finish())


def _note(running: Services, image: StoredImage) -> None:
    with running.database.writing.begin() as session:
        record_image(session, image, now=datetime.now(UTC))
    running.metrics.images_stored.inc()
    running.bus.publish(ImageStored(image.sha256))


@router.get("/images/{sha256}", dependencies=[Depends(require("clinician", "administrator"))])
def read_image(sha256: ImageHash, session: ReadSession, running: RunningServices) -> FileResponse:
    """The bytes of a stored image."""
    image = session.get(Image, sha256)
    if image is None:
        raise NotFound("no image is stored under this hash")
    return FileResponse(
        running.images.file(sha256),
        media_type=image.media_type,
        headers={
            "Cache-Control": "private, max-age=31536000, immutable",
            "Content-Disposition": "inline",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _settle_stored(running: Services, sha256: str) -> bool:
    """Whether the image is stored; notes it in the database should a crash have come between the two."""
    if not running.images.has(sha256):
        return False
    with running.database.reading() as session:
        if session.get(Image, sha256) is not None:
            return True
    image = running.images.find(sha256)
    if image is not None:
        _note(running, image)
    return image is not None


def _key(caller: Principal, sha256: str) -> UploadKey:
    assert caller.site is not None
    assert caller.kiosk is not None
    return UploadKey(caller.site, caller.kiosk, sha256)


async def _drain(request: Request, *, most: int) -> None:
    # A sender that is still writing when the answer comes may lose it with the connection.
    try:
        async for data in request.stream():
            most -= len(data)
            if most < 0:
                return
    except ClientDisconnect:
        pass
