import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edge.capture import encoded_image
from edge.capture.camera import CameraEmpty, CameraFrameInvalid, CameraUnavailable, CameraUriInvalid
from edge.capture.folder_camera import FolderCamera
from edge.capture.quality import Fault, assess

Picture = NDArray[np.uint8]
Encode = Callable[..., bytes]


@pytest.fixture
def good(picture: Picture, encode: Encode) -> bytes:
    return encode(picture)


def opened(folder: Path, query: str = "") -> FolderCamera:
    return FolderCamera.from_uri(f"folder://{folder}{query}")


def png_header(width_px: int, height_px: int) -> bytes:
    """A PNG that promises a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_files_come_untouched_in_the_order_of_their_paths_and_then_again(tmp_path: Path, good: bytes) -> None:
    (tmp_path / "b").mkdir()
    contents = {}
    for index, name in enumerate(["a.JPG", "b/c.jpeg", "d.png.jpg"]):
        contents[name] = good + bytes(index)  # trailing bytes: the same picture, other files
        (tmp_path / name).write_bytes(contents[name])
    (tmp_path / "notes.txt").write_text("no picture")
    camera = opened(tmp_path)
    assert [camera.capture().data for _ in range(4)] == [*contents.values(), contents["a.JPG"]]


def test_a_folder_is_real_unless_it_is_said_to_be_simulated(tmp_path: Path, good: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(good)
    assert not opened(tmp_path).capture().simulated
    assert opened(tmp_path, "?simulated=1").capture().simulated


def test_the_kind_is_told_by_the_content_and_not_by_the_name(tmp_path: Path, picture: Picture, encode: Encode) -> None:
    (tmp_path / "a.jpg").write_bytes(encode(picture, ".png"))
    assert opened(tmp_path).capture().media_type == "image/png"


@pytest.mark.parametrize("spoil", ["text", "empty", "truncated", "gif", "huge"])
def test_a_bad_file_is_named_and_the_next_capture_moves_on(tmp_path: Path, good: bytes, spoil: str) -> None:
    path = tmp_path / "a.jpg"
    match spoil:
        case "text":
            path.write_text("no picture at all")
        case "empty":
            path.touch()
        case "truncated":
            path.write_bytes(good[: len(good) // 2])
        case "gif":
            Image.new("RGB", (200, 200)).save(path, "GIF")
        case _:
            path.write_bytes(png_header(10_000, 10_000))
    (tmp_path / "b.jpg").write_bytes(good)
    camera = opened(tmp_path)
    with pytest.raises(CameraFrameInvalid, match=r"a\.jpg"):
        camera.preview()
    with pytest.raises(CameraFrameInvalid, match=r"a\.jpg") as caught:
        camera.capture()
    assert caught.value.remedy
    assert camera.capture().data == good


def test_a_file_that_vanished_is_named_and_the_next_capture_moves_on(tmp_path: Path, good: bytes) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(good)
    camera = opened(tmp_path)
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(CameraFrameInvalid, match=r"a\.jpg is gone"):
        camera.capture()
    assert camera.capture().data == good


def test_a_file_replaced_by_a_folder_is_no_picture(tmp_path: Path, good: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(good)
    camera = opened(tmp_path)
    (tmp_path / "a.jpg").unlink()
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(CameraFrameInvalid):
        camera.capture()


def test_a_file_beyond_the_size_limit_is_refused(tmp_path: Path, good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(good)
    monkeypatch.setattr(encoded_image, "MAX_BYTES", 100)
    with pytest.raises(CameraFrameInvalid, match="larger than"):
        opened(tmp_path).capture()


def test_a_picture_of_one_pixel_is_served_and_refused_by_the_gate(
    tmp_path: Path, encode: Encode, decode: Callable[[bytes], Picture]
) -> None:
    (tmp_path / "a.png").write_bytes(encode(np.full((1, 1, 3), 128, np.uint8), ".png"))
    frame = opened(tmp_path).capture()
    assert (frame.width_px, frame.height_px) == (1, 1)
    assert assess(decode(frame.data), previous_sha256=None, sha256=frame.sha256).faults == (Fault.TOO_SMALL,)


def test_links_that_lead_out_of_the_folder_are_left_out(tmp_path: Path, good: bytes) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "secret.jpg").write_bytes(good + b"secret")
    (inside / "a.jpg").write_bytes(good)
    (inside / "b.jpg").symlink_to(outside / "secret.jpg")
    (inside / "c").symlink_to(outside)
    (inside / "d.jpg").symlink_to(inside / "d.jpg")
    camera = opened(inside)
    assert [camera.capture().data for _ in range(2)] == [good, good]


def test_a_file_swapped_for_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, good: bytes) -> None:
    outside, inside = tmp_path / "secret.jpg", tmp_path / "inside"
    outside.write_bytes(good)
    inside.mkdir()
    (inside / "a.jpg").write_bytes(good)
    camera = opened(inside)
    (inside / "a.jpg").unlink()
    (inside / "a.jpg").symlink_to(outside)
    with pytest.raises(CameraFrameInvalid):
        camera.capture()


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(CameraEmpty, match="holds no"):
        opened(tmp_path)


def test_a_missing_folder_and_a_file_in_its_place_say_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("absent", "file"):
        with pytest.raises(CameraUnavailable, match=name):
            opened(tmp_path / name)


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(CameraUriInvalid, match="absolute"):
        FolderCamera.from_uri("folder://pictures")


def test_a_folder_with_a_space_in_its_name_is_found(tmp_path: Path, good: bytes) -> None:
    folder = tmp_path / "my pictures"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(good)
    assert opened(folder).capture().data == good
    assert FolderCamera.from_uri(f"folder://{tmp_path}/my%20pictures").capture().data == good
