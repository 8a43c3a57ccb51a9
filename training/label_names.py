"""How the labels of other data sets read in those of a task; what stands in no table is refused, never guessed."""

import re
from collections.abc import Sequence
from typing import Final

# Names of the seven HAM10000 classes (Tschandl, Rosendahl, Kittler 2018) as archives and clinics write them. Invasive
# squamous cell carcinoma is none of the seven, and so is not here; in situ it belongs to `akiec`.
HAM10000_NAMES: Final[dict[str, str]] = {
    "melanoma": "mel",
    "malignant melanoma": "mel",
    "melanoma in situ": "mel",
    "nevus": "nv",
    "naevus": "nv",
    "melanocytic nevus": "nv",
    "melanocytic naevus": "nv",
    "melanocytic nevi": "nv",
    "basal cell carcinoma": "bcc",
    "ak": "akiec",
    "actinic keratosis": "akiec",
    "actinic keratoses": "akiec",
    "bowen's disease": "akiec",
    "bowens disease": "akiec",
    "intraepithelial carcinoma": "akiec",
    "squamous cell carcinoma in situ": "akiec",
    "benign keratosis": "bkl",
    "benign keratosis like lesion": "bkl",
    "pigmented benign keratosis": "bkl",
    "seborrheic keratosis": "bkl",
    "seborrhoeic keratosis": "bkl",
    "solar lentigo": "bkl",
    "lichen planus like keratosis": "bkl",
    "dermatofibroma": "df",
    "vascular lesion": "vasc",
    "angioma": "vasc",
    "hemangioma": "vasc",
    "haemangioma": "vasc",
    "angiokeratoma": "vasc",
    "pyogenic granuloma": "vasc",
}
SCALP_NAMES: Final[dict[str, str]] = {
    "scalp psoriasis": "psoriasis",
    "seborrheic dermatitis": "seborrheic-dermatitis",
    "seborrhoeic dermatitis": "seborrheic-dermatitis",
}
_NAMES: Final = HAM10000_NAMES | SCALP_NAMES


def task_label(written: str, labels: Sequence[str]) -> str | None:
    """Return the one of `labels` that a label means, in any case and with any of space, `-` and `_`; None if none."""
    plain = _plain(written)
    by_name = {_plain(label): label for label in labels}
    if plain in by_name:
        return by_name[plain]
    named = _NAMES.get(plain)
    return named if named in labels else None


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text.strip().casefold())
