"""What can be learned: the labels of each task, which of them are positive, what its package says of itself."""

from dataclasses import dataclass
from typing import Final

from edge.inference.model_package import Task
from training.data import HAM10000_LABELS, HAM10000_MALIGNANT


@dataclass(frozen=True)
class TaskDescription:
    """One task."""

    task: Task
    labels: tuple[str, ...]
    positive: tuple[str, ...]
    intended_use: str
    limits: tuple[str, ...]


SKIN_LESION: Final = TaskDescription(
    task="skin-lesion",
    labels=HAM10000_LABELS,
    positive=HAM10000_MALIGNANT,
    intended_use=(
        "Estimates from one dermoscopic picture of one pigmented skin lesion of an adult whether it should be seen by "
        "a specialist. It informs and refers; it does not diagnose."
    ),
    limits=(
        "Not a medical device and not clinically validated.",
        (
            "Trained on dermoscopic pictures only: ordinary photographs, scalp, nails, mucosa, palms and soles are "
            "outside."
        ),
        "Nearly all training pictures show light skin from few clinics; on darker skin its figures are unknown.",
        "On pictures of another source it may be markedly less accurate than on its own test split.",
        "A low score does not exclude melanoma: some of the malignant test lesions lie below the moderate threshold.",
        "Most benign moles in the data were judged by follow-up or consensus, not by biopsy.",
        "The out-of-distribution check catches many but not all unsuitable pictures.",
    ),
)

SCALP: Final = TaskDescription(
    task="scalp",
    labels=("psoriasis", "seborrheic-dermatitis"),
    positive=("psoriasis",),
    intended_use=(
        "Tells scalp psoriasis from seborrheic dermatitis in one trichoscopic picture at 20 to 40 times, of a scalp "
        "that shows one of the two. It informs and refers; it does not diagnose."
    ),
    limits=(
        "Not a medical device and not clinically validated.",
        "It knows two diagnoses only and names one of them whatever the scalp shows.",
        "Both diseases can occur together; such pictures were learned under one label.",
    ),
)

TASKS: Final = {description.task: description for description in (SKIN_LESION, SCALP)}
ALL_LABELS: Final = tuple(label for description in TASKS.values() for label in description.labels)
