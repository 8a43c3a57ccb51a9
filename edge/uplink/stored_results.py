"""Looking at stored results from outside the running kiosk; reads the database and the pictures, changes neither."""

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from edge.auth.vault import Vault
from edge.errors import EdgeError
from edge.store import StorageFailed
from edge.uplink.image_spool import ImageSpool
from edge.uplink.outbox import open_event
from protocol import codec
from protocol.events import EVENT_TYPES, AnalysisCompleted


class ResultNotStored(EdgeError):
    """This kiosk does not keep this result, or no longer."""

    code = "result-not-stored"
    remedy = "Check the number; what the hub has confirmed leaves the kiosk after some time."


class PictureNotStored(EdgeError):
    """The picture of this result is gone from the kiosk, or is not the one that was assessed."""

    code = "result-picture-not-stored"
    remedy = "Reproduce a newer result; a picture leaves the kiosk some time after the hub has confirmed it."


@dataclass(frozen=True)
class StoredResult:
    """A saved analysis and the very bytes that were assessed."""

    analysis: AnalysisCompleted
    picture: bytes


def find_result(analysis_id: UUID, *, database: Path, images: Path, vault: Vault) -> StoredResult:
    """Find one analysis in the outbox and its picture in the spool.

    Events are sealed, so all results are opened until it is found: a technician asks, seldom, and waits.

    Raises:
        ResultNotStored: there is none of this id.
        PictureNotStored: the picture is gone or altered.
        StorageFailed: the database cannot be read.
        VaultError: a result was altered, or is sealed with another key.
    """
    analysis = _analysis(analysis_id, database, vault)
    wanted = analysis.image.sha256
    try:
        picture = ImageSpool(images).path(wanted).read_bytes()
    except OSError as error:
        raise PictureNotStored(f"the picture {wanted} is not here: {error.strerror}") from error
    if hashlib.sha256(picture).hexdigest() != wanted:
        raise PictureNotStored(f"the picture {wanted} has been altered")
    return StoredResult(analysis, picture)


def _analysis(analysis_id: UUID, database: Path, vault: Vault) -> AnalysisCompleted:
    if not database.exists():
        raise ResultNotStored(f"there is no kiosk database {database}")
    try:
        # Not through Store and Outbox: their start-up cleans, which would disturb a kiosk that runs meanwhile.
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT sequence, body FROM messages WHERE type = ? ORDER BY sequence DESC",
                (EVENT_TYPES[AnalysisCompleted],),
            )
            for sequence, body in rows:
                found = codec.decode_event(open_event(body, sequence=sequence, vault=vault)).payload
                if isinstance(found, AnalysisCompleted) and found.analysis_id == analysis_id:
                    return found
    except sqlite3.DatabaseError as error:
        raise StorageFailed(f"the kiosk's database cannot be read: {error}") from error
    raise ResultNotStored(f"no result {analysis_id} is stored here")
