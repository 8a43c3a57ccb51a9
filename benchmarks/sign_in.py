"""Sign-in by password: what an unknown and a locked name take, measured against a known name with a wrong password."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from uuid import uuid4

from benchmarks.report import Report, report_of
from benchmarks.timing import compare
from edge.auth.account import PatientId, SignInRefused
from edge.auth.accounts import BIRTH_DATE, IDENTITY, MIGRATIONS, Accounts
from edge.auth.claim_digest import ClaimDigests
from edge.auth.lockout import Lockout, LockRules
from edge.auth.password import Argon2PasswordHasher
from edge.auth.sign_in_gate import Admitted, SignInGate
from edge.auth.steady_time import SteadyTime
from edge.auth.throttle import Throttle, ThrottleRules
from edge.auth.vault import Vault, create_key_file
from edge.clock import SystemClock
from edge.store import Store
from protocol.events import Language, Sex
from protocol.identity import Consents

LIMIT = 1.10
_KNOWN, _UNKNOWN, _LOCKED = "rosa.lopez", "nobody.here", "ana.ruiz"


def measure(folder: Path, *, pairs: int) -> Report:
    """Time whole attempts, the two commits and the Argon2id verification of a kiosk included."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    create_key_file(folder / "vault.key")
    vault, clock = Vault.open_file(folder / "vault.key"), SystemClock()
    store = Store(folder / "kiosk.db", (MIGRATIONS, BIRTH_DATE, IDENTITY))
    steady = SteadyTime(store, clock)
    # Neither brake is to be met here, but for the name that is locked.
    lockout = Lockout(LockRules(failures=10**6), steady)
    throttle = Throttle(ThrottleRules(budget=10**6), steady)
    gate = SignInGate(lockout=lockout, throttle=throttle, steady=steady, clock=clock)
    accounts = Accounts(
        hasher=Argon2PasswordHasher(), vault=vault, digests=ClaimDigests(store, vault), lockout=lockout,
        steady=steady, clock=clock, kiosk="k1",
    )  # fmt: skip
    with store.transaction() as connection:
        for username in (_KNOWN, _LOCKED):
            accounts.register(connection, accounts.prepare(
                patient_id=PatientId(uuid4()), username=username, password="four plain words here",  # noqa: S106
                full_name="A Patient", birth_date=date(1961, 4, 12), sex=Sex.FEMALE, language=Language.ES,
                consents=Consents(),
            ))  # fmt: skip
        lockout.lock(connection, accounts.claim(connection, _LOCKED).digest, 86_400)

    def attempt(claim_text: str) -> None:
        with store.transaction() as connection:
            claim = accounts.claim(connection, claim_text)
            outcome = gate.admit(connection, claim.digest)
        if not isinstance(outcome, Admitted):
            accounts.spend_verification("a wrong guess")
            return
        try:
            accounts.authenticate_password(claim, "a wrong guess")
        except SignInRefused:
            return
        raise AssertionError("a wrong password signed in")

    compared = {
        name: compare(lambda text=text: attempt(text), lambda: attempt(_KNOWN), pairs=pairs)
        for name, text in (("unknown", _UNKNOWN), ("locked", _LOCKED))
    }
    store.close()
    reports = [
        report_of(f"{name} name / known name, wrong password", comparison, limit=LIMIT)
        for name, comparison in compared.items()
    ]
    return Report(
        lines=tuple(line for report in reports for line in report.lines),
        figures={name: asdict(comparison) | {"limit": LIMIT} for name, comparison in compared.items()},
        exceeded=tuple(text for report in reports for text in report.exceeded),
    )
