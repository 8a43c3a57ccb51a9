import io
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image, ImageOps

from edge.capture.registry import open_camera
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.preprocess import (
    MAX_BYTES,
    ImageRefused,
    ImageTooLarge,
    ImageTooSmall,
    ImageTruncated,
    NotAnImage,
    centre_square,
    decode_for_analysis,
    decode_image,
    to_input,
)

Encode = Callable[..., bytes]


def _picture(width: int = 96, height: int = 80) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_that_claims(width: int, height: int) -> bytes:
    """A PNG of one header and no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", b"") + _png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _exif_with(tag: int, value: object) -> bytes:
    """EXIF of orientation 6 and one tag of a type that it never has."""
    text = isinstance(value, str)
    body = f"{value}\0".encode().ljust(4, b"\0") if text else struct.pack("<I", 38)
    entries = sorted(
        [
            (0x0112, struct.pack("<HHII", 0x0112, 3, 1, 6)),
            (tag, struct.pack("<HHI", tag, 2 if text else 12, len(str(value)) + 1 if text else 1) + body),
        ]
    )
    tail = b"" if text else struct.pack("<d", value)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + b"".join(raw for _, raw in entries) + b"\0" * 4 + tail


def test_a_png_comes_back_pixel_by_pixel(encode: Encode) -> None:
    picture = _picture()
    np.testing.assert_array_equal(decode_image(encode(picture)), picture)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "CMYK"])
def test_every_colour_mode_becomes_rgb_bytes(mode: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(_picture()).convert(mode).save(buffer, "JPEG" if mode == "CMYK" else "PNG")
    decoded = decode_image(buffer.getvalue())
    assert decoded.shape == (80, 96, 3)
    assert decoded.dtype == np.uint8


def test_a_picture_taken_sideways_is_turned_upright(encode: Encode) -> None:
    picture = _picture()
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = decode_image(encode(picture, exif=exif))
    np.testing.assert_array_equal(upright, np.rot90(picture, k=-1))


@pytest.mark.parametrize("orientation", range(9))
def test_every_orientation_is_the_one_of_exif(encode: Encode, orientation: int) -> None:
    picture, exif = _picture(), Image.Exif()
    exif[0x0112] = orientation
    data = encode(picture, exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(decode_image(data), expected)


@pytest.mark.parametrize("odd", [("XResolution", 0x011A, "72"), ("Make", 0x010F, 1.5)], ids=lambda tag: tag[0])
def test_exif_of_the_wrong_type_does_not_stop_a_picture(encode: Encode, odd: tuple[str, int, object]) -> None:
    _, tag, value = odd
    data = encode(_picture(), kind="JPEG", exif=_exif_with(tag, value))
    assert decode_image(data).shape == (96, 80, 3)


def test_damage_anywhere_in_a_file_is_refused_or_read(encode: Encode) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x011A] = 6, "maker", 72.0
    rng = np.random.default_rng(0)
    for kind in ("JPEG", "PNG"):
        whole = encode(_picture(), kind=kind, exif=exif)
        for _ in range(150):
            data = bytearray(whole)
            for place in rng.integers(2, min(len(data), 400), 4):
                data[place] = rng.integers(256)
            with suppress(ImageRefused):
                assert decode_image(bytes(data)).dtype == np.uint8


def test_grey_of_16_bits_keeps_its_upper_8(encode: Encode) -> None:
    ramp = np.linspace(0, 65535, 80 * 96).reshape(80, 96).astype(np.uint16)
    decoded = decode_image(encode(ramp))
    np.testing.assert_array_equal(decoded, np.repeat((ramp >> 8)[..., np.newaxis], 3, axis=2))


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"hello", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(NotAnImage):
        decode_image(data)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "WEBP"])
def test_other_formats_are_refused(encode: Encode, kind: str) -> None:
    with pytest.raises(NotAnImage):
        decode_image(encode(_picture(), kind))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_picture_that_breaks_off_is_refused(encode: Encode, kind: str, kept: float) -> None:
    data = encode(_picture(), kind)
    with pytest.raises(ImageTruncated):
        decode_image(data[: int(len(data) * kept)])


def test_a_damaged_png_is_refused(encode: Encode) -> None:
    data = bytearray(encode(_picture()))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(ImageTruncated):
        decode_image(bytes(data))


@pytest.mark.parametrize("profile", [b"", b"name\0"])
def test_a_broken_colour_profile_behind_the_pixels_is_refused(encode: Encode, profile: bytes) -> None:
    whole = encode(_picture())
    at = whole.index(b"IEND") - 4
    with pytest.raises(ImageTruncated):
        decode_image(whole[:at] + _png_chunk(b"iCCP", profile) + whole[at:])


@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (60_001, 1_000), (1_000_000, 64), (65_000, 65_000)])
def test_a_huge_picture_is_refused_by_its_header(width: int, height: int) -> None:
    with pytest.raises(ImageTooLarge):
        decode_image(_png_that_claims(width, height))


def test_a_hundred_megapixel_file_is_refused() -> None:
    buffer = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(buffer, "PNG")
    with pytest.raises(ImageTooLarge):
        decode_image(buffer.getvalue())


def test_too_many_bytes_are_refused_before_anything_is_read() -> None:
    with pytest.raises(ImageTooLarge):
        decode_image(bytes(MAX_BYTES + 1))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (63, 500), (500, 63)])
def test_a_tiny_picture_is_refused(encode: Encode, width: int, height: int) -> None:
    with pytest.raises(ImageTooSmall):
        decode_image(encode(_picture(width, height)))


def test_every_refusal_has_its_own_code_and_a_remedy() -> None:
    kinds = ImageRefused.__subclasses__()
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.remedy for kind in kinds)


@pytest.mark.parametrize(("width", "height"), [(120, 80), (80, 120), (81, 80), (64, 64)])
def test_the_centre_square_is_centred(width: int, height: int) -> None:
    picture = _picture(width, height)
    square = centre_square(picture)
    side = min(width, height)
    assert square.shape == (side, side, 3)
    top, left = (height - side) // 2, (width - side) // 2
    np.testing.assert_array_equal(square, picture[top : top + side, left : left + side])


@pytest.mark.parametrize("side", [64, 160, 320, 801])
def test_the_input_has_the_asked_size_whatever_the_picture(side: int) -> None:
    tensor = to_input(np.full((side, side + 37, 3), 77, np.uint8), width=160, height=160)
    assert tensor.shape == (1, 160, 160, 3)
    assert (tensor == 77).all()


def test_shrinking_averages_areas() -> None:
    checkerboard = np.indices((320, 320)).sum(axis=0) % 2 * 255
    picture = np.repeat(checkerboard[..., np.newaxis], 3, axis=2).astype(np.uint8)
    tensor = to_input(picture, width=160, height=160)
    assert set(np.unique(tensor)) <= {127, 128}


@pytest.mark.parametrize(
    ("width", "height", "decoded"),
    [
        (2592, 1944, (1296, 972)),
        (1944, 2592, (972, 1296)),
        (4032, 3024, (2016, 1512)),
        (1600, 1200, (1600, 1200)),
        (640, 480, (640, 480)),
    ],
)
def test_a_large_jpeg_is_decoded_small_enough_and_not_smaller(
    width: int, height: int, decoded: tuple[int, int]
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (180, 120, 90)).save(buffer, "JPEG")
    small = decode_for_analysis(buffer.getvalue(), input_px=224)
    assert (small.shape[1], small.shape[0]) == decoded
    assert np.abs(small.astype(int) - decode_image(buffer.getvalue())[0, 0]).max() <= 2


def test_only_jpeg_is_reduced(encode: Encode) -> None:
    picture = _picture(2000, 2000)
    np.testing.assert_array_equal(decode_for_analysis(encode(picture), input_px=224), picture)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_reduced_jpeg_of_any_colour_mode_is_rgb_and_upright(mode: str) -> None:
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new(mode, (2600, 2000)).save(buffer, "JPEG", exif=exif)
    assert decode_for_analysis(buffer.getvalue(), input_px=224).shape == (1300, 1000, 3)


def test_a_reduced_jpeg_that_breaks_off_is_refused(encode: Encode) -> None:
    data = encode(_picture(2000, 2000), "JPEG")
    with pytest.raises(ImageTruncated):
        decode_for_analysis(data[: len(data) // 2], input_px=224)


def test_a_reduced_decode_hardly_moves_the_score(classifier: OpenVinoClassifier) -> None:
    for seed in range(3):
        camera = open_camera(f"sim://phantom?seed={seed}&width=2592&height=1944")
        data = camera.capture().data
        camera.close()
        whole, reduced = (
            classifier.classify(rgb) for rgb in (decode_image(data), decode_for_analysis(data, input_px=224))
        )
        assert abs(whole.score - reduced.score) < 0.03
