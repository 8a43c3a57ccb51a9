"""Camera addresses such as `sim://phantom?seed=7`, parsed strictly: a misspelt key is an error, never ignored."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from edge.capture.camera import CameraUriInvalid


@dataclass(frozen=True)
class CameraUri:
    """The parts of a camera address."""

    scheme: str
    target: str
    """Host and path together: `phantom`, `0`, `/dev/video0`."""
    options: dict[str, str]

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Split an address.

        Raises:
            CameraUriInvalid: no `scheme://`, a broken query, or a key given twice.
        """
        if "://" not in uri:
            raise CameraUriInvalid(f"the camera address {uri!r} has no scheme; it looks like sim://phantom")
        try:
            parts = urlsplit(uri)
            pairs = parse_qsl(parts.query, strict_parsing=True, keep_blank_values=True) if parts.query else []
        except ValueError as error:
            raise CameraUriInvalid(f"the camera address {uri!r} cannot be read: {error}") from error
        if parts.fragment:
            raise CameraUriInvalid(f"the camera address {uri!r} has a part after '#'; write it as %23")
        options = dict(pairs)
        if len(options) < len(pairs):
            raise CameraUriInvalid(f"the camera address {uri!r} gives a key twice")
        return cls(scheme=parts.scheme, target=unquote(parts.netloc + parts.path), options=options)

    def require_known(self, known: Collection[str]) -> None:
        """Refuse options that the adapter does not have."""
        unknown = sorted(set(self.options) - set(known))
        if unknown:
            known_text = ", ".join(sorted(known)) or "none"
            raise CameraUriInvalid(f"unknown option {', '.join(unknown)} for {self.scheme}://; known: {known_text}")

    def integer(self, key: str, *, default: int, low: int, high: int) -> int:
        """The whole number of an option, within its bounds."""
        text = self.options.get(key)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(high)) and low <= int(text) <= high):
            raise CameraUriInvalid(f"{key}={text} of {self.scheme}:// is no whole number from {low} to {high}")
        return int(text)

    def flag(self, key: str) -> bool:
        """Whether an option is 1; absent counts as 0."""
        return bool(self.integer(key, default=0, low=0, high=1))
