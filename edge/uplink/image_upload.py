"""Uploads saved images to the hub over HTTP, keyed by SHA-256, going on where a broken upload stopped."""

import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx

from edge.bus import Bus, EventSaved, ReceiptArrived
from edge.config import Hub
from edge.uplink.backoff import Backoff
from edge.uplink.outbox import Outbox, PendingImage

log = logging.getLogger(__name__)
_CHUNK_BYTES = 256 * 1024
_TIMEOUT_S = 30.0
_IDLE_WAIT_S = 5.0
_CANDIDATES = 20
_REFUSALS = {
    httpx.codes.REQUEST_ENTITY_TOO_LARGE: "image-too-large",
    httpx.codes.UNSUPPORTED_MEDIA_TYPE: "image-not-supported",
}


class HubUnavailable(Exception):
    """The hub did not take or confirm the bytes now; they are tried again later."""


class ImageUpload:
    """One thread: sends images, those of the oldest events first, until the hub has verified each."""

    def __init__(self, *, outbox: Outbox, hub: Hub, bus: Bus, transport: httpx.BaseTransport | None = None) -> None:
        self._outbox = outbox
        self._client = httpx.Client(
            base_url=hub.url,
            headers={"Authorization": f"Bearer {hub.token.get_secret_value()}"},
            timeout=_TIMEOUT_S,
            transport=transport,
        )
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._failures: Counter[str] = Counter()
        self._backoff = Backoff(base_s=1.0, cap_s=60.0)
        self._thread = threading.Thread(target=self._run, name="image-upload", daemon=True)
        bus.subscribe(EventSaved, lambda _: self._wake.set())
        bus.subscribe(ReceiptArrived, lambda _: self._wake.set())

    def start(self) -> None:
        """Begin uploading."""
        self._thread.start()

    def stop(self) -> None:
        """End after the current chunk; what is not confirmed stays saved."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._client.close()

    def upload(self, image: PendingImage) -> None:
        """Upload one image, from wherever the hub has got to, and mark it as delivered or refused.

        Raises:
            HubUnavailable: try again later.
        """
        if not image.path.is_file():
            log.error("image %s is missing on this kiosk's disk", image.sha256)
            self._outbox.mark_image_refused(image.sha256, "image-missing-on-disk")
            return
        if image.path.stat().st_size != image.size_bytes:
            log.error("image %s has another length on this kiosk's disk", image.sha256)
            self._outbox.mark_image_refused(image.sha256, "image-damaged-on-disk")
            return
        url = f"/api/v1/images/{image.sha256}"
        offset = self._offset_at_hub(url)
        if offset is not None:
            response = self._request("PATCH", url, offset=offset, image=image)
            if response.status_code == httpx.codes.CONFLICT:
                response = self._request("PATCH", url, offset=_offset(response), image=image)
            if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
                self._judge_hash_mismatch(image)
                return
            refusal = _REFUSALS.get(httpx.codes(response.status_code))
            if refusal is not None:
                log.error("the hub refused image %s: %s", image.sha256, refusal)
                self._outbox.mark_image_refused(image.sha256, refusal)
                return
            if response.status_code != httpx.codes.CREATED:
                raise HubUnavailable(f"status {response.status_code}")
        self._outbox.mark_image_delivered(image.sha256)

    def _offset_at_hub(self, url: str) -> int | None:
        """Bytes that the hub has; None when it has all, verified."""
        response = self._request("HEAD", url)
        if response.status_code == httpx.codes.NOT_FOUND:
            return 0
        if response.status_code != httpx.codes.OK:
            raise HubUnavailable(f"status {response.status_code}")
        return None if response.headers.get("Upload-Complete") == "?1" else _offset(response)

    def _request(
        self, method: str, url: str, *, offset: int | None = None, image: PendingImage | None = None
    ) -> httpx.Response:
        headers = {}
        content = None
        if image is not None and offset is not None:
            headers = {"Upload-Offset": str(offset), "Upload-Length": str(image.size_bytes)}
            headers["Content-Length"] = str(image.size_bytes - offset)
            content = self._chunks(image.path, offset)
        try:
            return self._client.request(method, url, headers=headers, content=content)
        except httpx.HTTPError as error:
            raise HubUnavailable(type(error).__name__) from error

    def _judge_hash_mismatch(self, image: PendingImage) -> None:
        if hashlib.sha256(image.path.read_bytes()).hexdigest() == image.sha256:
            raise HubUnavailable("the bytes changed on their way")
        log.error("image %s is damaged on this kiosk's disk", image.sha256)
        self._outbox.mark_image_refused(image.sha256, "image-damaged-on-disk")

    def _chunks(self, path: Path, offset: int) -> Iterator[bytes]:
        with path.open("rb") as file:
            file.seek(offset)
            while chunk := file.read(_CHUNK_BYTES):
                if self._stopping.is_set():
                    raise HubUnavailable("this kiosk stops; the upload goes on where it stood")
                yield chunk

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                pending = self._outbox.pending_images(limit=_CANDIDATES)
                if not pending:
                    self._failures.clear()
                    self._wake.wait(_IDLE_WAIT_S)
                    continue
                # The one that failed least: an image that never gets through must not hold up the others.
                image = min(pending, key=lambda candidate: self._failures[candidate.sha256])
                self._failures[image.sha256] += 1
                self.upload(image)
                self._backoff.reset()
            except HubUnavailable as error:
                log.info("images wait for the hub: %s", error)
                self._stopping.wait(self._backoff.next_s())
            except Exception:
                # Whatever fails here, a full disk included, saved images must go on leaving the kiosk.
                log.exception("the image upload stumbled and goes on")
                self._stopping.wait(self._backoff.next_s())


def _offset(response: httpx.Response) -> int:
    try:
        return max(0, int(response.headers["Upload-Offset"]))
    except (KeyError, ValueError):
        raise HubUnavailable("the hub named no upload offset") from None
