"""Between the commit of a failure and its answer the process is killed, as by a power cut; no try is won by it."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import argon2
import pytest

from edge.auth.account import PatientId
from edge.auth.accounts import BIRTH_DATE, IDENTITY, MIGRATIONS, Accounts
from edge.auth.claim_digest import ClaimDigests
from edge.auth.lockout import Lockout, LockRules
from edge.auth.password import Argon2PasswordHasher
from edge.auth.steady_time import SteadyTime
from edge.auth.vault import Vault, create_key_file
from edge.clock import SystemClock
from edge.store import Store
from protocol.events import Language, Sex
from protocol.identity import Consents

RIGHT = "four plain words here"
_KIOSK = """
import sys
from pathlib import Path
import argon2
from edge.auth.account import SignInRefused
from edge.auth.accounts import BIRTH_DATE, IDENTITY, MIGRATIONS, Accounts
from edge.auth.claim_digest import ClaimDigests
from edge.auth.lockout import Lockout, LockRules
from edge.auth.password import Argon2PasswordHasher
from edge.auth.sign_in_gate import Admitted, SignInGate
from edge.auth.steady_time import SteadyTime
from edge.auth.throttle import Throttle, ThrottleRules
from edge.auth.vault import Vault
from edge.clock import SystemClock
from edge.store import Store

folder = Path(sys.argv[1])
store, clock = Store(folder / "kiosk.db", (MIGRATIONS, BIRTH_DATE, IDENTITY)), SystemClock()
vault = Vault.open_file(folder / "vault.key")
steady = SteadyTime(store, clock)
lockout = Lockout(LockRules(), steady)
accounts = Accounts(
    hasher=Argon2PasswordHasher(argon2.profiles.CHEAPEST), vault=vault, digests=ClaimDigests(store, vault),
    lockout=lockout, steady=steady, clock=clock, kiosk="k1",
)
gate = SignInGate(lockout=lockout, throttle=Throttle(ThrottleRules(), steady), steady=steady, clock=clock)

print("ready", flush=True)
for line in sys.stdin:
    claim_text, _, password = line.rstrip("\\n").partition(" ")
    with store.transaction() as connection:
        claim = accounts.claim(connection, claim_text)
        outcome = gate.admit(connection, claim.digest)
    if not isinstance(outcome, Admitted):
        print(type(outcome).__name__, flush=True)
        continue
    print(f"charged {outcome.charged.failures}", flush=True)
    sys.stdin.readline()  # where the plug is pulled
    try:
        accounts.authenticate_password(claim, password)
    except SignInRefused:
        print("refused", flush=True)
        continue
    with store.transaction() as connection:
        gate.succeed(connection, outcome)
    print("welcome", flush=True)
"""


class Kiosk:
    """The part of a kiosk that signs in, as a process that can be killed."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _KIOSK, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._hear() == "ready"

    def tries(self, claim_text: str, password: str) -> str:
        return self._say(f"{claim_text} {password}")

    def goes_on(self) -> str:
        return self._say("")

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _say(self, text: str) -> str:
        assert self._process.stdin is not None
        print(text, file=self._process.stdin, flush=True)
        return self._hear()

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@pytest.fixture
def start(tmp_path: Path) -> Callable[[], Kiosk]:
    create_key_file(tmp_path / "vault.key")
    vault = Vault.open_file(tmp_path / "vault.key")
    store = Store(tmp_path / "kiosk.db", (MIGRATIONS, BIRTH_DATE, IDENTITY))
    clock = SystemClock()
    steady = SteadyTime(store, clock)
    accounts = Accounts(
        hasher=Argon2PasswordHasher(argon2.profiles.CHEAPEST),
        vault=vault,
        digests=ClaimDigests(store, vault),
        lockout=Lockout(LockRules(), steady),
        steady=steady,
        clock=clock,
        kiosk="k1",
    )
    new = accounts.prepare(
        patient_id=PatientId(uuid4()),
        username="rosa.lopez",
        password=RIGHT,
        full_name="Rosa L\u00f3pez",
        birth_date=None,
        sex=Sex.FEMALE,
        language=Language.ES,
        consents=Consents(),
    )
    with store.transaction() as connection:
        accounts.register(connection, new)
    store.close()
    return lambda: Kiosk(tmp_path)


@pytest.mark.parametrize("claim_text", ["rosa.lopez", "nobody.here"])
def test_killed_between_the_third_failure_and_its_answer_there_is_no_fourth_try(
    start: Callable[[], Kiosk], claim_text: str
) -> None:
    kiosk = start()
    for number in (1, 2):
        assert kiosk.tries(claim_text, "a wrong guess") == f"charged {number}"
        assert kiosk.goes_on() == "refused"
    assert kiosk.tries(claim_text, "a wrong guess") == "charged 3"
    kiosk.kill()
    kiosk = start()
    assert kiosk.tries(claim_text, RIGHT) == "Locked"
    assert kiosk.tries(claim_text, RIGHT) == "Locked"
    kiosk.kill()


def test_killed_before_every_answer_three_tries_are_all(start: Callable[[], Kiosk]) -> None:
    heard = []
    for _ in range(6):
        kiosk = start()
        heard.append(kiosk.tries("rosa.lopez", "a wrong guess"))
        kiosk.kill()
    assert heard == ["charged 1", "charged 2", "charged 3", "Locked", "Locked", "Locked"]


def test_a_genuine_third_try_still_signs_in_and_clears_the_counter(start: Callable[[], Kiosk]) -> None:
    kiosk = start()
    for _ in range(2):
        kiosk.tries("rosa.lopez", "a wrong guess")
        assert kiosk.goes_on() == "refused"
    assert kiosk.tries("rosa.lopez", RIGHT) == "charged 3"
    assert kiosk.goes_on() == "welcome"
    kiosk.kill()
    kiosk = start()
    assert kiosk.tries("rosa.lopez", RIGHT) == "charged 1"
    assert kiosk.goes_on() == "welcome"
    kiosk.kill()
