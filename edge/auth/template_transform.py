"""Templates as they are kept: turned by a secret rotation of each patient, so that a new key revokes the old ones.

The rotation keeps all distances between templates of one key, so that nothing is lost in matching; between two keys
they say nothing. It protects a leaked database only while the key does not leak with it: whoever has both can turn a
template back. Credentials are therefore kept under the vault as well.
"""

from collections.abc import Sequence

from edge.auth.face import FaceTemplate
from protocol.credentials import FaceCredential

TRANSFORM_VERSION = 1


def seal_templates(templates: Sequence[FaceTemplate]) -> FaceCredential:
    """Make a credential of one person's templates under a new random key; enrolling again thus revokes.

    Raises:
        FaceTemplateIncompatible: none, more than ten, of several algorithms, or not vectors of one length.
    """
    raise NotImplementedError


def transform_probe(enrolled: FaceCredential, template: FaceTemplate) -> FaceTemplate:
    """Turn a fresh template by the key of a credential, so that the two can be compared.

    Raises:
        FaceTemplateIncompatible: another algorithm, another version of the transform, or damaged.
    """
    raise NotImplementedError


def enrolled_templates(enrolled: FaceCredential) -> tuple[FaceTemplate, ...]:
    """The templates in a credential, still turned.

    Raises:
        FaceTemplateIncompatible: damaged.
    """
    raise NotImplementedError
