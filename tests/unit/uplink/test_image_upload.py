"""The upload against a small hub of our own at the HTTP port; the real hub answers in tests/system."""

import hashlib
from collections.abc import Callable, Iterator
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from edge.bus import Bus
from edge.config import Hub
from edge.uplink.image_upload import HubUnavailable, ImageUpload
from edge.uplink.outbox import Outbox

Save = Callable[..., UUID]


class PartialHub(httpx.BaseTransport):
    """Keeps what arrives, as the hub does; can lose the connection after some bytes or lie about its offset."""

    def __init__(self) -> None:
        self.received: dict[str, bytes] = {}
        self.complete: set[str] = set()
        self.break_after: int | None = None
        self.status: int | None = None
        self.requests: list[tuple[str, str | None]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sha256 = request.url.path.rsplit("/", 1)[1]
        self.requests.append((request.method, request.headers.get("Upload-Offset")))
        have = self.received.get(sha256, b"")
        if request.method == "HEAD":
            if sha256 in self.complete:
                return httpx.Response(200, headers={"Upload-Complete": "?1"})
            if not have:
                return httpx.Response(404)
            return httpx.Response(200, headers={"Upload-Complete": "?0", "Upload-Offset": str(len(have))})
        if self.status is not None:
            return httpx.Response(self.status)
        assert isinstance(request.stream, httpx.SyncByteStream)
        body = b"".join(request.stream)
        if self.break_after is not None:
            self.received[sha256] = have + body[: self.break_after]
            self.break_after = None
            raise httpx.ReadError("connection lost")
        if int(request.headers["Upload-Offset"]) != len(have):
            return httpx.Response(409, headers={"Upload-Offset": str(len(have))})
        self.received[sha256] = have + body
        if hashlib.sha256(self.received[sha256]).hexdigest() != sha256:
            del self.received[sha256]
            return httpx.Response(422)
        self.complete.add(sha256)
        return httpx.Response(201)


@pytest.fixture
def hub() -> PartialHub:
    return PartialHub()


@pytest.fixture
def upload(outbox: Outbox, hub: PartialHub, bus: Bus) -> Iterator[ImageUpload]:
    upload = ImageUpload(outbox=outbox, hub=Hub(url="http://hub.invalid", token=SecretStr("t")), bus=bus, transport=hub)
    yield upload
    upload._client.close()


def test_an_image_is_delivered_once_the_hub_has_verified_it(
    upload: ImageUpload, hub: PartialHub, outbox: Outbox, save: Save
) -> None:
    save(b"x" * 700_000)
    image = outbox.pending_images(limit=1)[0]
    upload.upload(image)
    assert hub.received[image.sha256] == b"x" * 700_000
    assert outbox.pending_images(limit=1) == []


def test_a_broken_upload_goes_on_where_it_stopped(
    upload: ImageUpload, hub: PartialHub, outbox: Outbox, save: Save
) -> None:
    save(b"y" * 1000)
    image = outbox.pending_images(limit=1)[0]
    hub.break_after = 300
    with pytest.raises(HubUnavailable):
        upload.upload(image)
    assert outbox.pending_images(limit=1) == [image]
    upload.upload(image)
    assert hub.requests[-1] == ("PATCH", "300")
    assert outbox.pending_images(limit=1) == []


def test_an_image_that_the_hub_has_is_not_sent_again(
    upload: ImageUpload, hub: PartialHub, outbox: Outbox, save: Save
) -> None:
    save(b"z")
    image = outbox.pending_images(limit=1)[0]
    hub.complete.add(image.sha256)
    upload.upload(image)
    assert [method for method, _ in hub.requests] == ["HEAD"]
    assert outbox.pending_images(limit=1) == []


@pytest.mark.parametrize("status", [401, 403, 500, 503, 507])
def test_a_hub_that_cannot_take_it_now_gets_it_later(
    upload: ImageUpload, hub: PartialHub, outbox: Outbox, save: Save, status: int
) -> None:
    save(b"w")
    hub.status = status
    with pytest.raises(HubUnavailable):
        upload.upload(outbox.pending_images(limit=1)[0])
    assert len(outbox.pending_images(limit=1)) == 1


def test_bytes_that_changed_on_this_disk_are_reported_and_kept(upload: ImageUpload, outbox: Outbox, save: Save) -> None:
    save(b"good bytes")
    image = outbox.pending_images(limit=1)[0]
    image.path.write_bytes(b"evil bytes")
    upload.upload(image)
    assert outbox.pending_images(limit=1) == []
    assert outbox.backlog().rejected == 1
    assert image.path.exists()


def test_a_truncated_file_is_reported_instead_of_retried_for_ever(
    upload: ImageUpload, outbox: Outbox, save: Save
) -> None:
    save(b"whole picture")
    image = outbox.pending_images(limit=1)[0]
    image.path.write_bytes(b"whole")
    upload.upload(image)
    assert outbox.pending_images(limit=1) == []
    assert outbox.backlog().rejected == 1


def test_an_image_the_hub_refuses_for_good_does_not_block_the_next(
    upload: ImageUpload, hub: PartialHub, outbox: Outbox, save: Save
) -> None:
    save(b"no image")
    hub.status = 415
    upload.upload(outbox.pending_images(limit=1)[0])
    assert outbox.pending_images(limit=1) == []
    assert outbox.backlog().rejected == 1
