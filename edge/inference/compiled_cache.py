"""Networks that OpenVINO compiled before, kept in a folder and used only when every byte is what was written.

A package's hashes do not cover this folder, and OpenVINO loads a compiled network whose weights were damaged: one bit
flipped in the middle of a file changed the answers and raised nothing (tests/unit/inference/test_compiled_cache.py).
The hashes kept here find damage of the disk. They do not stop somebody who may write to the kiosk's data folder; the
golden pictures and the file permissions are for that.
"""

import hashlib
import json
import logging
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

_HASHES: Final = "hashes.json"
_KEEP: Final = 8
"""The newest files that are kept: two models, each before and after an update, for one answer and for many."""


class CompiledCache:
    """A folder that `CACHE_DIR` may name between `purge` and `seal`; a folder that cannot be used is done without."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def purge(self) -> bool:
        """Delete what is not known to be whole, and say whether the folder can be used."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            known = self._read()
            newest_first = sorted(self._blobs(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
            for position, path in enumerate(newest_first):
                if position < _KEEP and known.get(path.name) == _sha256(path):
                    continue
                if path.name in known and position < _KEEP:
                    log.warning("the compiled network %s is damaged and is compiled again", path.name)
                path.unlink()
        except OSError as error:
            log.warning("the cache of compiled networks cannot be used: %s", error.strerror)
            return False
        return True

    def seal(self) -> None:
        """Note the hashes of what lies here now."""
        try:
            known = self._read()
            hashes = {path.name: known.get(path.name) or _sha256(path) for path in self._blobs()}
            if hashes != known:
                draft = self._folder / f"{_HASHES}.draft"
                draft.write_text(json.dumps(hashes), encoding="utf-8")
                draft.replace(self._folder / _HASHES)
        except OSError as error:
            log.warning("what was compiled cannot be kept: %s", error.strerror)

    def _blobs(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.suffix == ".blob"]

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads((self._folder / _HASHES).read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
