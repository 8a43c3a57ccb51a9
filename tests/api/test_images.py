import gc
import hashlib
import io
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from starlette.testclient import TestClient

from hub.api.deps import Services
from hub.bus import ImageStored
from hub.records.images import UploadKey

Headers = Callable[[str], dict[str, str]]


def encoded(kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((300, 200), 80).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


def png_header(width_px: int, height_px: int) -> bytes:
    chunks = (
        b"IHDR" + struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0),
        b"IDAT" + zlib.compress(b""),
        b"IEND",
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


def address(data: bytes) -> str:
    return f"/api/v1/images/{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def kiosk(client: TestClient, as_role: Headers) -> Callable[..., Any]:
    """Ask or send as kiosk k1: `kiosk("HEAD", path)`, `kiosk("PATCH", path, offset, total, bytes)`."""

    def call(method: str, path: str, offset: int = 0, total: int = 0, data: bytes = b"", role: str = "kiosk") -> Any:
        headers = as_role(role)
        if method == "PATCH":
            headers |= {"Upload-Offset": str(offset), "Upload-Length": str(total)}
        return client.request(method, path, headers=headers, content=data)

    return call


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_an_uploaded_image_is_served_byte_for_byte(
    client: TestClient, kiosk: Callable[..., Any], as_role: Headers, kind: str, media_type: str
) -> None:
    data = encoded(kind)
    path = address(data)
    assert kiosk("HEAD", path).status_code == 404
    assert kiosk("PATCH", path, 0, len(data), data).status_code == 201
    state = kiosk("HEAD", path)
    assert (state.status_code, state.headers["Upload-Complete"]) == (200, "?1")
    served = client.get(path, headers=as_role("clinician"))
    assert served.content == data
    assert served.headers["content-type"] == media_type
    assert served.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["content-disposition"] == "inline"


def test_a_reader_who_leaves_before_the_first_byte_leaves_no_file_open(
    client: TestClient, kiosk: Callable[..., Any], as_role: Headers
) -> None:
    data = encoded()
    assert kiosk("PATCH", address(data), 0, len(data), data).status_code == 201
    headers = [(name.lower().encode(), value.encode()) for name, value in as_role("clinician").items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": address(data),
        "raw_path": address(data).encode(),
        "query_string": b"",
        "headers": [*headers, (b"host", b"testserver")],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    statuses: list[int] = []

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    assert client.portal is not None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        client.portal.call(client.app, scope, gone, send)
        gc.collect()
    assert statuses == [200]
    assert not [str(warning.message) for warning in caught if warning.category is ResourceWarning]


def test_an_upload_is_taken_in_parts(kiosk: Callable[..., Any]) -> None:
    data = encoded()
    path, third = address(data), len(data) // 3
    first = kiosk("PATCH", path, 0, len(data), data[:third])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, str(third))
    state = kiosk("HEAD", path)
    assert (state.headers["Upload-Complete"], state.headers["Upload-Offset"]) == ("?0", str(third))
    wrong = kiosk("PATCH", path, 0, len(data), data)
    assert (wrong.status_code, wrong.headers["Upload-Offset"]) == (409, str(third))
    assert wrong.json()["type"] == "urn:dermakiosk:problem:upload-offset-mismatch"
    assert kiosk("PATCH", path, third, len(data), data[third : 2 * third]).status_code == 204
    assert kiosk("PATCH", path, 2 * third, len(data), data[2 * third :]).status_code == 201


def test_an_upload_whose_last_answer_was_lost_ends_well(kiosk: Callable[..., Any]) -> None:
    data = encoded()
    for _ in range(2):
        assert kiosk("PATCH", address(data), 0, len(data), data).status_code == 201


def test_all_bytes_there_but_never_verified_are_verified_on_the_next_request(
    kiosk: Callable[..., Any], client: TestClient
) -> None:
    data = encoded()
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    with services.images.begin(UploadKey("village", "k1", hashlib.sha256(data).hexdigest())) as part:
        part.write(data)
    assert kiosk("PATCH", address(data), len(data), len(data)).status_code == 201


def test_an_image_stored_just_before_a_crash_is_noted_when_asked_for(
    kiosk: Callable[..., Any], client: TestClient, as_role: Headers
) -> None:
    data = encoded()
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    with services.images.begin(UploadKey("village", "k1", hashlib.sha256(data).hexdigest())) as part:
        part.write(data)
        part.finish()
    assert client.get(address(data), headers=as_role("clinician")).status_code == 404
    assert kiosk("HEAD", address(data)).headers["Upload-Complete"] == "?1"
    assert client.get(address(data), headers=as_role("clinician")).content == data


def test_a_second_kiosk_with_the_same_image_need_not_send_it(kiosk: Callable[..., Any]) -> None:
    data = encoded()
    kiosk("PATCH", address(data), 0, len(data), data)
    assert kiosk("HEAD", address(data), role="other-kiosk").headers["Upload-Complete"] == "?1"


def test_bytes_of_another_hash_are_discarded_and_can_be_sent_again(kiosk: Callable[..., Any]) -> None:
    data = encoded()
    damaged = bytes([data[0], data[1] ^ 1]) + data[2:]
    refused = kiosk("PATCH", address(data), 0, len(data), damaged)
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:dermakiosk:problem:image-hash-mismatch"
    assert kiosk("HEAD", address(data)).status_code == 404
    assert kiosk("PATCH", address(data), 0, len(data), data).status_code == 201


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"plain text", 415, "not-an-image"),
        (b"GIF89a" + b"\x00" * 100, 415, "not-an-image"),
        (b"\xff\xd8\xff\xe0 truncated", 415, "not-an-image"),
        (png_header(10_000, 10_000), 413, "image-too-large"),
    ],
)
def test_what_is_no_acceptable_image_is_refused(kiosk: Callable[..., Any], data: bytes, status: int, code: str) -> None:
    refused = kiosk("PATCH", address(data), 0, len(data), data)
    assert (refused.status_code, refused.json()["type"]) == (status, f"urn:dermakiosk:problem:{code}")
    assert kiosk("HEAD", address(data)).status_code == 404


def test_an_image_over_the_limit_is_refused_before_its_bytes_are_read(kiosk: Callable[..., Any]) -> None:
    refused = kiosk("PATCH", address(b"x"), 0, 2_000_001, b"x")
    assert (refused.status_code, refused.json()["type"]) == (413, "urn:dermakiosk:problem:image-too-large")


def test_more_bytes_than_announced_are_refused_and_what_was_there_stays(kiosk: Callable[..., Any]) -> None:
    data = encoded()
    kiosk("PATCH", address(data), 0, len(data), data[:100])
    assert kiosk("PATCH", address(data), 100, len(data), data[100:] + b"more").status_code == 413
    assert kiosk("HEAD", address(data)).headers["Upload-Offset"] == "100"


def test_while_the_disk_is_full_bytes_are_kept_and_the_rest_waits(
    kiosk: Callable[..., Any], client: TestClient, settings: Any
) -> None:
    data = encoded()
    kiosk("PATCH", address(data), 0, len(data), data[:100])
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    limits = settings.images.model_copy(update={"reserve_bytes": 2**60})
    services.images._settings = limits  # type: ignore[attr-defined]
    full = kiosk("PATCH", address(data), 100, len(data), data[100:])
    assert (full.status_code, full.json()["type"]) == (507, "urn:dermakiosk:problem:storage-full")
    services.images._settings = settings.images  # type: ignore[attr-defined]
    assert kiosk("HEAD", address(data)).headers["Upload-Offset"] == "100"
    assert kiosk("PATCH", address(data), 100, len(data), data[100:]).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Offset": "0"},
        {"Upload-Length": "5"},
        {"Upload-Offset": "-1", "Upload-Length": "5"},
        {"Upload-Offset": "0", "Upload-Length": "0"},
        {"Upload-Offset": "x", "Upload-Length": "5"},
        {"Upload-Offset": "9" * 40, "Upload-Length": "9" * 40},
    ],
)
def test_an_upload_without_sense_is_a_problem(client: TestClient, as_role: Headers, headers: dict[str, str]) -> None:
    response = client.patch(address(b"x"), headers=as_role("kiosk") | headers, content=b"x")
    assert response.status_code == 422
    assert response.json()["type"] == "urn:dermakiosk:problem:unprocessable"


@pytest.mark.parametrize("name", ["0" * 63, "0" * 65, "G" * 64, "A" * 64, "..%2f..%2fhub.sqlite3"])
def test_only_a_hash_names_an_image(client: TestClient, as_role: Headers, name: str) -> None:
    assert client.get(f"/api/v1/images/{name}", headers=as_role("clinician")).status_code in (404, 422)
    assert client.head(f"/api/v1/images/{name}", headers=as_role("kiosk")).status_code in (404, 405, 422)


def test_many_kiosks_uploading_one_image_at_once_all_succeed(kiosk: Callable[..., Any]) -> None:
    data = encoded()
    statuses: list[int] = []

    def send(role: str) -> None:
        response = kiosk("PATCH", address(data), 0, len(data), data, role=role)
        statuses.append(response.status_code)

    threads = [threading.Thread(target=send, args=(role,)) for role in ("kiosk", "other-kiosk")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201, 201]


def test_an_analysis_is_complete_once_both_images_are_here(
    kiosk: Callable[..., Any], client: TestClient, receive: Callable[..., Any], as_role: Headers
) -> None:
    image, heat_map = encoded("JPEG"), encoded("PNG")
    references = {
        name: {
            "sha256": hashlib.sha256(data).hexdigest(),
            "size_bytes": len(data),
            "media_type": "image/jpeg",
            "width_px": 300,
            "height_px": 200,
        }
        for name, data in (("image", image), ("heat_map", heat_map))
    }
    event = receive("analysis-completed", payload=references | {"analysis_id": str(uuid4())})["payload"]

    def complete() -> bool:
        shown: bool = client.get(f"/api/v1/analyses/{event['analysis_id']}", headers=as_role("clinician")).json()[
            "complete"
        ]
        return shown

    kiosk("PATCH", address(image), 0, len(image), image)
    assert not complete()
    kiosk("PATCH", address(heat_map), 0, len(heat_map), heat_map)
    assert complete()


def test_a_stored_image_is_announced(kiosk: Callable[..., Any], client: TestClient) -> None:
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    assert client.portal is not None
    subscription = client.portal.call(services.bus.subscribe)
    data = encoded()
    kiosk("PATCH", address(data), 0, len(data), data)
    assert client.portal.call(subscription.next, 10) == ImageStored(hashlib.sha256(data).hexdigest())
    services.bus.unsubscribe(subscription)


def test_an_image_whose_file_is_lost_is_asked_for_again(
    kiosk: Callable[..., Any], client: TestClient, as_role: Headers, tmp_path: Path
) -> None:
    data = encoded()
    kiosk("PATCH", address(data), 0, len(data), data)
    sha256 = hashlib.sha256(data).hexdigest()
    (tmp_path / "images" / sha256[:2] / sha256).unlink()
    assert client.get(address(data), headers=as_role("clinician")).status_code == 404
    assert kiosk("HEAD", address(data)).status_code == 404
    assert kiosk("PATCH", address(data), 0, len(data), data).status_code == 201
    assert client.get(address(data), headers=as_role("clinician")).content == data


def parts(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


def test_bytes_may_come_without_a_length_of_their_own(client: TestClient, as_role: Headers) -> None:
    data = encoded()
    headers = as_role("kiosk") | {"Upload-Offset": "0", "Upload-Length": str(len(data))}
    assert client.patch(address(data), headers=headers, content=parts(data)).status_code == 201
