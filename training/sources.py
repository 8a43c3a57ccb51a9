"""Where data come from and under which licence: a `sources.toml` beside the manifest, or what is known of a data set.

```toml
[ham10000]
name = "HAM10000 (Tschandl, Rosendahl, Kittler 2018)"
licence = "CC BY-NC 4.0"
```
"""

import tomllib
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from edge.inference.model_package import ModelManifest, Source
from training.data import DataError, Record

SOURCES_FILE: Final = "sources.toml"
KNOWN: Final = {
    "ham10000": Source(
        name="HAM10000 (Tschandl, Rosendahl, Kittler 2018, doi:10.7910/DVN/DBW86T)",
        licence="CC BY-NC 4.0, as far as known",
    ),
    "isic2017": Source(name="ISIC 2017 challenge (Codella et al. 2018)", licence="CC0, as far as known"),
    "scalp-phantom": Source(
        name="DermaKiosk's simulated scalps (edge/capture/phantom_scalp.py); no picture of a person",
        licence="that of this repository",
    ),
}


def sources_of(manifest: Path, records: Iterable[Record]) -> tuple[Source, ...]:
    """Return the source of each data set among the records; the file beside the manifest overrules what is known.

    Raises:
        DataError: the file is malformed, or a data set has no stated source and licence.
    """
    stated = KNOWN | _beside(manifest)
    datasets = sorted({record.dataset for record in records})
    absent = [dataset for dataset in datasets if dataset not in stated]
    if absent:
        raise DataError(
            f"source and licence of data set {absent[0]!r} are not stated: "
            f"write them to {manifest.parent / SOURCES_FILE}"
        )
    return tuple(stated[dataset] for dataset in datasets)


def sources_of_package(manifest: ModelManifest) -> tuple[Source, ...]:
    """Return what a package learned from, what it started from included."""
    return () if manifest.training_data is None else manifest.training_data.sources


def united(*sources: Iterable[Source]) -> tuple[Source, ...]:
    """Return each source once, by its name; what is stated first holds."""
    stated: dict[str, Source] = {}
    for source in chain.from_iterable(sources):
        stated.setdefault(source.name, source)
    return tuple(stated.values())


def _beside(manifest: Path) -> dict[str, Source]:
    path = manifest.parent / SOURCES_FILE
    if not path.exists():
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(dict[str, Source]).validate_python(tables)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path} is no TOML file: {error}") from error
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise DataError(f"{path}, {place}: each table has `name` and `licence`, both text") from error
