"""Templates as they are kept: turned by a secret rotation of each patient, so that a new key revokes the old ones.

The rotation keeps all distances between templates of one key, so that nothing is lost in matching; between two keys
they say nothing. It protects a leaked database only while the key does not leak with it: whoever has both can turn a
template back. Credentials are therefore kept under the vault as well.

The rotation is Q of the QR decomposition of a matrix of normal numbers, which SHAKE-256 makes from the key, so that
every machine makes the same one.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.auth.face import FaceTemplate, FaceTemplateIncompatible
from protocol.credentials import FaceCredential

TRANSFORM_VERSION: Final = 1
KEY_BYTES: Final = 32
MAX_TEMPLATES: Final = 10

_DTYPE: Final = np.dtype("<f4")
_MAX_LENGTH: Final = 1024
_PURPOSE: Final = b"dermakiosk template rotation 1"


def seal_templates(templates: Sequence[FaceTemplate]) -> FaceCredential:
    """Make a credential of one person's templates under a new random key; enrolling again thus revokes.

    Raises:
        FaceTemplateIncompatible: none, more than ten, of several algorithms, or not vectors of one length.
    """
    if not 1 <= len(templates) <= MAX_TEMPLATES:
        raise FaceTemplateIncompatible(f"{len(templates)} templates; a credential has 1 to {MAX_TEMPLATES}")
    if len({(template.algorithm, len(template.data)) for template in templates}) > 1:
        raise FaceTemplateIncompatible("templates of several algorithms or lengths")
    key = secrets.token_bytes(KEY_BYTES)
    return FaceCredential(
        algorithm=templates[0].algorithm,
        transform_version=TRANSFORM_VERSION,
        transform_key=base64.b64encode(key).decode(),
        templates=tuple(base64.b64encode(_turned(template.data, key)).decode() for template in templates),
    )


def transform_probe(enrolled: FaceCredential, template: FaceTemplate) -> FaceTemplate:
    """Turn a fresh template by the key of a credential, so that the two can be compared.

    Raises:
        FaceTemplateIncompatible: another algorithm, another version of the transform, or damaged.
    """
    if enrolled.transform_version != TRANSFORM_VERSION:
        raise FaceTemplateIncompatible(f"version {enrolled.transform_version} of the transform is not known here")
    if template.algorithm != enrolled.algorithm:
        raise FaceTemplateIncompatible(f"enrolled with {enrolled.algorithm}, seen with {template.algorithm}")
    key = _decoded(enrolled.transform_key)
    if len(key) != KEY_BYTES:
        raise FaceTemplateIncompatible("the key of the transform is damaged")
    return FaceTemplate(algorithm=template.algorithm, data=_turned(template.data, key))


def enrolled_templates(enrolled: FaceCredential) -> tuple[FaceTemplate, ...]:
    """The templates in a credential, still turned.

    Raises:
        FaceTemplateIncompatible: damaged.
    """
    return tuple(
        FaceTemplate(algorithm=enrolled.algorithm, data=_vector(_decoded(text)).astype(_DTYPE).tobytes())
        for text in enrolled.templates
    )


def centre(templates: Sequence[FaceTemplate]) -> FaceTemplate:
    """The mean of templates of one algorithm, in the same form.

    Raises:
        FaceTemplateIncompatible: none, of several algorithms or lengths, or damaged.
    """
    if not templates or len({(template.algorithm, len(template.data)) for template in templates}) > 1:
        raise FaceTemplateIncompatible("no templates, or templates of several algorithms or lengths")
    mean = np.mean([_vector(template.data) for template in templates], axis=0)
    return FaceTemplate(algorithm=templates[0].algorithm, data=mean.astype(_DTYPE).tobytes())


def _turned(data: bytes, key: bytes) -> bytes:
    vector = _vector(data)
    return (_rotation(key, len(vector)) @ vector).astype(_DTYPE).tobytes()


def _vector(data: bytes) -> NDArray[np.float64]:
    if not data or len(data) % _DTYPE.itemsize or len(data) > _MAX_LENGTH * _DTYPE.itemsize:
        raise FaceTemplateIncompatible("the template is no vector of numbers")
    vector = np.frombuffer(data, dtype=_DTYPE).astype(np.float64)
    if not np.isfinite(vector).all():
        raise FaceTemplateIncompatible("the template has a part that is no number")
    return vector


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise FaceTemplateIncompatible("the credential is damaged") from None


def _rotation(key: bytes, length: int) -> NDArray[np.float64]:
    words = np.frombuffer(hashlib.shake_256(_PURPOSE + key).digest(16 * length * length), dtype="<u8")
    uniform = ((words >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53
    radius, angle = np.sqrt(-2 * np.log(uniform[: length * length])), 2 * np.pi * uniform[length * length :]
    q, r = np.linalg.qr((radius * np.cos(angle)).reshape(length, length))
    return np.asarray(q * np.sign(np.diag(r)), np.float64)
