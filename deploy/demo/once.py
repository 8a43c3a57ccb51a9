"""`./run demo-once`: two patients, twenty frames, and everything that goes wrong at once; nothing may be lost.

The broker and the hub are killed while a patient is being examined; the kiosk goes on, and is killed too when at least
three results have no receipt. The broker comes back after three seconds, and the kiosk before the hub: whatever the
kiosk then hands to the broker reaches nobody, so a kiosk that trusted the broker's acknowledgement would lose it.
"""

import json
import shutil
import time
from pathlib import Path

from deploy.demo.installation import DemoFailed, Installation, wait_until
from deploy.demo.patient import Notebook, Patient
from deploy.demo.pictures import Dermoscopes, dermoscopes, face_camera
from deploy.demo.verdict import Verdict, judge

_BROKER_DOWN_S = 3.0
_ENOUGH_UNRECEIPTED = 3
_FIRST, _SECOND = 13, 7
_REFUSED_AT = 3


def run(folder: Path) -> int:
    """Run the demo in this folder, which is emptied; 0 when nothing was lost or doubled."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cameras = dermoscopes(folder / "pictures", refused_at=_REFUSED_AT, first=_FIRST, second=_SECOND)
    site = Installation(folder, own_broker=True, face_camera=face_camera(folder / "face"))
    notebook = Notebook(folder / "confirmed.jsonl")
    with site.running():
        visits = _story(site, notebook, cameras)
        verdict = judge(site, notebook, visits=visits, camera=cameras.name)
    verdict.print()
    target = folder.parent / "demo.json"
    target.write_text(json.dumps(verdict.as_json(), indent=1) + "\n")
    print(f"\nWritten: {target}; settings, logs and data: {folder}")
    return 0 if _good(verdict) else 1


def _story(site: Installation, notebook: Notebook, cameras: Dermoscopes) -> int:
    first = Patient(site.kiosk_url, notebook, "rosa.p", "Rosa Prueba", ("back", "arm", "leg"))
    second = Patient(site.kiosk_url, notebook, "li.wei", "Li Wei", ("chest", "neck"))

    _say("starting broker, hub and kiosk")
    site.start_broker()
    site.start_hub()
    site.start_kiosk(dermoscope=cameras.before)

    _say("patient 1 registers with password and face, and has 6 frames taken")
    first.register(face=True)
    first.capture(6)
    first.leave()

    _say("patient 2 registers with a password, and has 3 frames taken")
    second.register(face=False)
    second.capture(3)

    _say("broker and hub are killed; the kiosk goes on with 4 frames")
    site.broker.kill()
    broker_down_at = time.monotonic()
    site.hub.kill()
    second.capture(4)
    unreceipted = site.kiosk_health()["pending_events"]
    if unreceipted < _ENOUGH_UNRECEIPTED:
        raise DemoFailed(f"only {unreceipted} results have no receipt; the test of the kill would prove nothing")
    _say(f"the kiosk is killed while {unreceipted} results have no receipt")
    site.kiosk.kill()

    wait_until(lambda: time.monotonic() - broker_down_at >= _BROKER_DOWN_S, what="three seconds without a broker")
    _say("the broker is back, then the kiosk, and last the hub")
    site.start_broker()
    site.start_kiosk(dermoscope=cameras.after)
    wait_until(lambda: site.published() >= unreceipted, what="the kiosk does not publish what it saved")
    site.start_hub()

    _say("patient 1 comes again, by face, for 4 frames; patient 2, by password, for 3")
    first.sign_in(face=True)
    first.capture(4)
    first.leave()
    second.sign_in(face=False)
    second.capture(3)
    second.leave()
    _say("waiting until the kiosk has a receipt for everything")
    try:
        wait_until(lambda: _all_confirmed(site), what="a confirmation of every event and picture", timeout_s=60)
    except DemoFailed as error:
        _say(f"{error}; what the hub has is judged all the same")
    return first.visits + second.visits


def _all_confirmed(site: Installation) -> bool:
    health = site.kiosk_health()
    return health["pending_events"] == 0 and health["pending_images"] == 0


def _good(verdict: Verdict) -> bool:
    complete = verdict.distinct_frames >= _FIRST + _SECOND and verdict.refused >= 1
    return complete and verdict.lost == 0 and verdict.duplicated == 0


def _say(text: str) -> None:
    print(f"· {text}", flush=True)
