"""Where results go on this kiosk, and when there is too little room to take more."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from edge.store import StorageFull, Store
from edge.uplink.image_spool import ImageSpool
from edge.uplink.outbox import Outbox


@dataclass(frozen=True)
class Storage:
    """Where results go, and how much room must be left before a capture is taken at all."""

    store: Store
    spool: ImageSpool
    outbox: Outbox
    folder: Path
    reserve_bytes: int

    def require_room(self) -> None:
        """Raise StorageFull when free space is below the reserve: better no capture than one that cannot be kept."""
        if shutil.disk_usage(self.folder).free < self.reserve_bytes:
            raise StorageFull("less free disk space than the reserve that this kiosk keeps")
