"""What an image file says of itself, read from its header alone."""

from dataclasses import dataclass
from typing import BinaryIO, Literal

from PIL import ImageFile, JpegImagePlugin, PngImagePlugin

from hub.errors import ImageTooLarge, NotAnImage

MediaType = Literal["image/jpeg", "image/png"]
# The plugins are called directly: Image.open() would warn of, or refuse, large images by limits of its own.
_FORMATS: dict[bytes, tuple[MediaType, type[ImageFile.ImageFile]]] = {
    b"\xff\xd8\xff": ("image/jpeg", JpegImagePlugin.JpegImageFile),
    b"\x89PN": ("image/png", PngImagePlugin.PngImageFile),
}
MAGIC_BYTES = 3


@dataclass(frozen=True)
class ImageFormat:
    """Kind and size of an image."""

    media_type: MediaType
    width_px: int
    height_px: int


def inspect(file: BinaryIO, *, max_pixels: int) -> ImageFormat:
    """Format of an open image file, without decoding its pixels.

    Raises:
        NotAnImage: neither JPEG nor PNG, or with a broken header.
        ImageTooLarge: more than `max_pixels`.
    """
    file.seek(0)
    media_type, plugin = _FORMATS.get(file.read(MAGIC_BYTES), (None, None))
    if media_type is None or plugin is None:
        raise NotAnImage("the bytes start like neither JPEG nor PNG")
    file.seek(0)
    try:
        width_px, height_px = plugin(file).size
    except (OSError, SyntaxError, ValueError, IndexError, OverflowError):  # what Pillow raises on broken headers
        raise NotAnImage(f"the header is no valid {media_type} header") from None
    if width_px * height_px > max_pixels:
        raise ImageTooLarge(f"{width_px} x {height_px} pixels; the limit is {max_pixels} pixels")
    return ImageFormat(media_type, width_px, height_px)
