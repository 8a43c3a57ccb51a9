"""Wires all that knows patients apart: accounts, counters, faces, and what the hub is told and asked of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import RLock

from edge.auth import first_form
from edge.auth.accounts import Accounts
from edge.auth.claim_digest import ClaimDigests
from edge.auth.face import FaceEncoder
from edge.auth.lockout import Lockout, LockRules
from edge.auth.password import Argon2PasswordHasher, PasswordHasher
from edge.auth.sign_in_gate import SignInGate
from edge.auth.steady_time import SteadyTime
from edge.auth.throttle import Throttle, ThrottleRules
from edge.auth.vault import Vault
from edge.bus import Bus
from edge.camera_slot import CameraSlot
from edge.clock import Clock
from edge.config import EdgeSettings, Identity
from edge.identity.account_desk import AccountDesk
from edge.identity.attempts import Attempts
from edge.identity.card import CardReader
from edge.identity.credential_changes import CredentialChanges
from edge.identity.enrolment import Enrolments
from edge.identity.face_check import FaceChecks
from edge.identity.hub_records import HubRecords
from edge.identity.registration import Registrar
from edge.identity.reset import PasswordReset
from edge.identity.sessions import Sessions
from edge.identity.sign_in import SignIn
from edge.reception import FaceDesk, Reception
from edge.session_watch import FacePresence, SessionWatch
from edge.storage import Storage
from edge.uplink.credential_queue import CredentialQueue
from edge.uplink.hub_identity import HttpHubIdentity, HubIdentity
from edge.uplink.identity_orders import IdentityOrders
from edge.uplink.kiosk_keys import KioskKeyPair
from edge.visit import Journey


@dataclass(frozen=True)
class Surroundings:
    """What the kiosk has made already."""

    settings: EdgeSettings
    storage: Storage
    journey: Journey
    lock: RLock
    clock: Clock
    bus: Bus
    vault: Vault


@dataclass(frozen=True)
class IdentityParts:
    """What the kiosk keeps of it: the reception, what runs, and what the sender asks."""

    reception: Reception
    orders: IdentityOrders
    queue: CredentialQueue
    watch: SessionWatch
    sessions: Sessions
    accounts: Accounts
    steady: SteadyTime
    close: Callable[[], None]


def wire_identity(
    around: Surroundings,
    *,
    camera: CameraSlot | None,
    encoder: FaceEncoder | None,
    hub: HubIdentity | None = None,
    hasher: PasswordHasher | None = None,
) -> IdentityParts:
    """Build all parts and start none. `hub` and `hasher` stand in for the real ones in tests.

    Raises:
        EdgeError: a part cannot be built as configured.
    """
    settings, storage, clock, bus = around.settings, around.storage, around.clock, around.bus
    rules: Identity = settings.identity
    store = storage.store
    steady = SteadyTime(store, clock)
    lockout = Lockout(LockRules(rules.lock_failures, rules.lock_window_s, rules.lock_s), steady)
    throttle = Throttle(ThrottleRules(budget=rules.throttle_failures, window_s=rules.throttle_window_s), steady)
    gate = SignInGate(lockout=lockout, throttle=throttle, steady=steady, clock=clock)
    digests = ClaimDigests(store, around.vault)
    accounts = Accounts(
        hasher=hasher or Argon2PasswordHasher(), vault=around.vault, digests=digests, lockout=lockout,
        steady=steady, clock=clock, kiosk=settings.kiosk,
    )  # fmt: skip

    def take_pepper(pepper: bytes) -> None:
        accounts.set_fleet_pepper(pepper, changed=queue.put)

    keys = KioskKeyPair.open_file(settings.data_dir / "kiosk.keys")
    http = HttpHubIdentity(settings.hub, keys) if hub is None else None
    source = hub or http
    assert source is not None
    queue = CredentialQueue(
        store=store, records=accounts, hub=source, clock=clock, bus=bus,
        on_pepper=take_pepper,
    )  # fmt: skip
    with store.transaction() as connection:
        for patient_id in first_form.carry_over(connection, accounts=accounts, digests=digests, vault=around.vault):
            queue.put(connection, patient_id, 1)
    sessions = Sessions(journey=around.journey, lock=around.lock, storage=storage, clock=clock)
    hub_records = HubRecords(
        hub=source, accounts=accounts, store=store, steady=steady, clock=clock, bus=bus,
        cache_s=rules.cache_days * 86_400,
    )  # fmt: skip
    changes = CredentialChanges(accounts=accounts, queue=queue, storage=storage, clock=clock)
    attempts = Attempts(storage=storage, accounts=accounts, gate=gate, lockout=lockout, clock=clock)
    sign_in = SignIn(
        accounts=accounts, attempts=attempts, hub_records=hub_records, sessions=sessions, storage=storage, clock=clock
    )
    face = _face_desk(camera, encoder, rules, clock)
    enrolments = face.enrolments if face else None
    desk = partial(AccountDesk, accounts=accounts, changes=changes, sessions=sessions, storage=storage, clock=clock)
    reception = Reception(
        sessions=sessions,
        registrar=Registrar(
            accounts=accounts, changes=changes, enrolments=enrolments, sessions=sessions, storage=storage,
            clock=clock, guardian_age=rules.guardian_age,
        ),
        sign_in=sign_in,
        password_reset=PasswordReset(
            accounts=accounts, digests=digests, lockout=lockout, hub=source, hub_records=hub_records,
            changes=changes, sessions=sessions, storage=storage, clock=clock,
        ),
        account=desk(sign_in=sign_in, queue=queue, enrolments=enrolments),
        face=face,
        cards=CardReader(camera) if camera else None,
    )  # fmt: skip
    orders = IdentityOrders(
        store=store, outbox=storage.outbox, locks=lockout, identities=accounts, queue=queue, keys=keys, clock=clock,
        site=settings.site, kiosk=settings.kiosk, on_revoked=around.journey.revoke,
    )  # fmt: skip
    presence = None
    if face is not None:
        presence = FacePresence(
            camera=face.camera, encoder=face.encoder, journey=around.journey, clock=clock, left_s=rules.face_left_s
        )
        sessions.on_end(presence.forget)
    watch = SessionWatch(
        sessions=sessions, journey=around.journey, presence=presence, steady=steady,
        forget_what_is_old=reception.forget_what_is_old,
    )  # fmt: skip
    return IdentityParts(
        reception=reception, orders=orders, queue=queue, watch=watch, sessions=sessions, accounts=accounts,
        steady=steady, close=http.close if http else lambda: None,
    )  # fmt: skip


def _face_desk(
    camera: CameraSlot | None, encoder: FaceEncoder | None, rules: Identity, clock: Clock
) -> FaceDesk | None:
    if camera is None or encoder is None:
        return None
    checks = FaceChecks(camera, encoder, deadline_s=rules.face_burst_s)
    return FaceDesk(camera, encoder, checks, Enrolments(checks, clock))
