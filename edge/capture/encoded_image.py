"""What an encoded picture says of itself, checked before anyone trusts it."""

import io
from typing import Final, NamedTuple

from PIL import Image

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_PIXELS: Final = 60_000_000
"""Above any dermoscope or phone in use, and a bound on the memory that one decoded picture takes (180 MB)."""

_MEDIA_TYPES: Final = {"JPEG": "image/jpeg", "PNG": "image/png"}


class ImageHeader(NamedTuple):
    """Kind and size of an encoded picture."""

    media_type: str
    width_px: int
    height_px: int


def inspect(data: bytes) -> ImageHeader:
    """Decode a JPEG or PNG to its end, so that a truncated one is found now.

    Raises:
        ValueError: no JPEG or PNG, damaged, or larger than MAX_BYTES or MAX_PIXELS.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES // 2**20} MB")
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_MEDIA_TYPES)) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ValueError(f"it has {width}x{height} pixels, more than {MAX_PIXELS // 10**6} million")
            image.load()
            return ImageHeader(_MEDIA_TYPES[str(image.format)], width, height)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"it has more than {MAX_PIXELS // 10**6} million pixels") from error
    except (OSError, SyntaxError, EOFError) as error:
        raise ValueError(f"it is no complete JPEG or PNG ({error})") from error
