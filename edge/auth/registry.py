"""Face encoders by name. They load when chosen, so a missing library stops only those who configured it."""

import pkgutil
from typing import Final, cast

from edge.auth.face import FaceEncoder
from edge.errors import EdgeError

FACE_ENCODERS: Final = {"dlib": "edge.auth.dlib_face:DlibFaceEncoder"}
"""Add an encoder: its file, one line here, its name in the settings, and it joins the contract test."""

NO_FACE: Final = "none"


class FaceEncoderUnknown(EdgeError):
    """No encoder has this name."""

    code = "face-encoder-unknown"
    remedy = f"Set identity.face_encoder to one of: {', '.join((*FACE_ENCODERS, NO_FACE))}."


class FaceEncoderUnavailable(EdgeError):
    """The encoder's library or models are not installed."""

    code = "face-encoder-unavailable"
    remedy = "Install the packages of the edge extra, or set identity.face_encoder to none."


def load_face_encoder(name: str) -> FaceEncoder | None:
    """Import and build the named encoder, which may take seconds; None for `none`: passwords only.

    Raises:
        FaceEncoderUnknown: not in the registry.
        FaceEncoderUnavailable: its packages are missing.
    """
    if name == NO_FACE:
        return None
    if name not in FACE_ENCODERS:
        raise FaceEncoderUnknown(f"there is no face encoder {name!r}")
    try:
        return cast("FaceEncoder", pkgutil.resolve_name(FACE_ENCODERS[name])())
    except ImportError as error:
        raise FaceEncoderUnavailable(f"the face encoder {name!r} does not import") from error
