"""Birth, shutdown, last will and heartbeat: what the hub knows of this kiosk's presence."""

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Literal
from uuid import UUID

from edge.clock import Clock
from edge.uplink.outbox import Outbox
from protocol import codec
from protocol.envelope import Heartbeat, KioskState


class Presence:
    """Builds the messages; counts sessions (connections since start) and beats."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        clock: Clock,
        data_dir: Path,
        site: str,
        kiosk: str,
        model_sha256: str | None,
        simulated: bool,
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._data_dir = data_dir
        self._site = site
        self._kiosk = kiosk
        self._model_sha256 = model_sha256
        self._simulated = simulated
        self._software_version = version("dermakiosk")
        self._session = 0
        self._beat = 0

    @property
    def boot_id(self) -> UUID:
        """Of this start of the program."""
        return self._outbox.boot_id

    def will(self) -> bytes:
        """Last will of the session that begins now; a death that names an older session is stale."""
        self._session += 1
        return self.state(online=False, reason="lost")

    def state(self, *, online: bool, reason: Literal["birth", "shutdown", "lost"]) -> bytes:
        """The retained state of the current session."""
        backlog = self._outbox.backlog()
        return codec.encode(
            KioskState(
                site=self._site,
                kiosk=self._kiosk,
                boot_id=self.boot_id,
                session=self._session,
                online=online,
                reason=reason,
                software_version=self._software_version,
                model_sha256=self._model_sha256,
                simulated=self._simulated,
                oldest_sequence=backlog.oldest_sequence,
                last_sequence=backlog.last_sequence,
                as_of=self._clock.now(),
            )
        )

    def heartbeat(self) -> bytes:
        """The next sign of life, with the backlog."""
        self._beat += 1
        backlog = self._outbox.backlog()
        return codec.encode(
            Heartbeat(
                site=self._site,
                kiosk=self._kiosk,
                boot_id=self.boot_id,
                session=self._session,
                beat=self._beat,
                as_of=self._clock.now(),
                monotonic_ms=int(self._clock.monotonic_s() * 1000),
                pending_events=backlog.messages,
                pending_images=backlog.images,
                free_disk_bytes=shutil.disk_usage(self._data_dir).free,
            )
        )
