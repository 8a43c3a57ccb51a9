"""The shipped configuration in a real Mosquitto: who may say and hear what, what is kept, what is refused."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocol import topics
from protocol.codec import MAX_MESSAGE_BYTES

A = {"site": "north", "kiosk": "kiosk-a"}
B = {"site": "north", "kiosk": "kiosk-b"}
EVENT_A = topics.build("event", **A, type="analysis-completed")
EVENT_B = topics.build("event", **B, type="analysis-completed")
RECEIPT_A = topics.build("receipt", **A)
RECEIPT_B = topics.build("receipt", **B)
COMMAND_A = topics.build("command", **A, type="replay-events")
STATE_A = topics.build("state", **A)


def test_a_kiosk_s_own_event_reaches_the_hub_over_tls(mosquitto: Any) -> None:
    hub = mosquitto.peer("hub", tls=True).connect().subscribe(topics.subscription("event"))
    kiosk = mosquitto.peer("north/kiosk-a", tls=True).connect()

    kiosk.publish(EVENT_A, "mine")

    assert hub.receive() == (EVENT_A, "mine")


def test_a_kiosk_hears_its_own_receipts_and_commands_and_nobody_else_s(mosquitto: Any) -> None:
    kiosk = mosquitto.peer("north/kiosk-a").connect().subscribe("derma/#")
    hub = mosquitto.peer("hub").connect()
    of_others = [
        topics.build("receipt", site=site, kiosk=k) for site, k in (("north", "kiosk-b"), ("south", "kiosk-a"))
    ]

    for topic in (*of_others, RECEIPT_A, topics.build("command", **B, type="replay-events"), COMMAND_A):
        hub.publish(topic, "from the hub")

    assert [kiosk.receive()[0], kiosk.receive()[0]] == [RECEIPT_A, COMMAND_A]


@pytest.mark.parametrize("forged", [EVENT_B, RECEIPT_A, COMMAND_A, RECEIPT_B, topics.build("state", **B), "derma/v1/x"])
def test_a_kiosk_speaks_for_nobody_but_itself(mosquitto: Any, forged: str) -> None:
    everyone = ("hub", "north/kiosk-a", "north/kiosk-b")
    listeners = {user: mosquitto.peer(user, client_id=f"hears-{user}").connect().subscribe("#") for user in everyone}
    kiosk, hub = mosquitto.peer("north/kiosk-a").connect(), mosquitto.peer("hub").connect()

    kiosk.publish(forged, "forged").publish(EVENT_A, "end")
    for end in (RECEIPT_A, RECEIPT_B):
        hub.publish(end, "end")

    assert [listener.receive()[1] for listener in listeners.values()] == ["end"] * 3


def test_the_hub_reads_every_kiosk_s_events_states_and_heartbeats(mosquitto: Any) -> None:
    hub = mosquitto.peer("hub").connect().subscribe("derma/v1/#")
    said = []
    for user in ("north/kiosk-a", "north/kiosk-b", "south/kiosk-a"):
        site, name = user.split("/")
        kiosk = mosquitto.peer(user).connect()
        for row in topics.TOPICS.values():
            for kind in row.types or (None,):
                if row.publisher == "kiosk":
                    said.append(topics.build(row.name, site=site, kiosk=name, type=kind))
                    kiosk.publish(said[-1], "fact")

    assert sorted(hub.receive()[0] for _ in said) == sorted(said)


def test_the_hub_cannot_make_up_events(mosquitto: Any) -> None:
    reader = mosquitto.peer("hub", client_id="reader").connect().subscribe("derma/v1/#")
    hub, kiosk = mosquitto.peer("hub").connect(), mosquitto.peer("north/kiosk-a").connect()

    hub.publish(EVENT_A, "made up")
    kiosk.publish(EVENT_A, "true")

    assert reader.receive() == (EVENT_A, "true")


@pytest.mark.parametrize("tls", [False, True])
def test_nobody_enters_without_the_right_password(mosquitto: Any, *, tls: bool) -> None:
    for user, password in ((None, None), ("north/kiosk-a", "wrong"), ("nobody", "secret of nobody")):
        with pytest.raises(ConnectionRefusedError, match="Not authorized"):
            mosquitto.peer(user, password=password, tls=tls).connect()


def test_plain_text_gets_no_answer_from_the_shipped_listener(mosquitto: Any) -> None:
    mosquitto.plain_port = mosquitto.tls_port

    peer = mosquitto.peer("hub")
    peer.client.connect(mosquitto.host, mosquitto.tls_port)
    peer.client.loop_start()

    peer.wait_until_cut()
    peer.disconnect()


def test_a_kiosk_cannot_steal_another_s_session_by_its_client_id(mosquitto: Any) -> None:
    def as_client_a(user: str) -> Any:
        return mosquitto.peer(user, client_id="north/kiosk-a", clean_session=False, tls=True)

    as_client_a("north/kiosk-a").connect().subscribe(RECEIPT_A).disconnect()
    mosquitto.peer("hub").connect().publish(RECEIPT_A, "queued")

    thief = as_client_a("north/kiosk-b").connect()
    owner = as_client_a("north/kiosk-a").connect()

    assert not thief.session_present
    assert owner.receive() == (RECEIPT_A, "queued")


def test_five_thousand_events_wait_for_an_absent_hub(mosquitto: Any) -> None:
    def hub() -> Any:
        return mosquitto.peer("hub", client_id="hub", clean_session=False)

    hub().connect().subscribe(topics.subscription("event")).disconnect()
    kiosk = mosquitto.peer("north/kiosk-a").connect()
    sent = [kiosk.client.publish(EVENT_A, str(number), qos=1) for number in range(5000)]
    for message in sent:
        message.wait_for_publish(20)

    back = hub().connect()

    assert [back.receive()[1] for _ in sent] == [str(number) for number in range(5000)]


def test_what_was_saved_survives_a_kill_and_what_came_after_does_not(mosquitto: Any) -> None:
    def hub() -> Any:
        return mosquitto.peer("hub", client_id="hub", clean_session=False)

    hub().connect().subscribe(topics.subscription("event")).subscribe(topics.subscription("state")).disconnect()
    kiosk = mosquitto.peer("north/kiosk-a").connect()
    kiosk.publish(EVENT_A, "before").publish(STATE_A, "online", retain=True)
    mosquitto.save()
    # Its PUBACK came too, which is why a kiosk waits for the hub's receipt.
    kiosk.publish(EVENT_A, "after")
    mosquitto.kill()
    kiosk.disconnect()

    mosquitto.start()
    mosquitto.peer("north/kiosk-a").connect().publish(EVENT_A, "again")
    back = hub().connect()

    assert [back.receive()[1] for _ in range(3)] == ["before", "online", "again"]
    late = mosquitto.peer("hub", client_id="late").connect().subscribe(topics.subscription("state"))
    assert late.receive() == (STATE_A, "online")


def test_an_orderly_stop_loses_nothing(mosquitto: Any) -> None:
    def hub() -> Any:
        return mosquitto.peer("hub", client_id="hub", clean_session=False)

    hub().connect().subscribe(topics.subscription("event")).disconnect()
    kiosk = mosquitto.peer("north/kiosk-a").connect()
    kiosk.publish(EVENT_A, "queued")
    mosquitto.stop()
    kiosk.disconnect()
    mosquitto.start()

    assert hub().connect().receive() == (EVENT_A, "queued")


def test_a_slightly_oversized_event_reaches_the_hub_s_quarantine_and_a_huge_one_cuts_the_connection(
    mosquitto: Any,
) -> None:
    hub = mosquitto.peer("hub").connect().subscribe(topics.subscription("event"))
    kiosk = mosquitto.peer("north/kiosk-a").connect()

    kiosk.publish(EVENT_A, "x" * (MAX_MESSAGE_BYTES + 1))
    assert len(hub.receive()[1]) == MAX_MESSAGE_BYTES + 1

    kiosk.client.publish(EVENT_A, "x" * 200_000, qos=1)
    kiosk.wait_until_cut()
    kiosk.disconnect()


def test_the_last_will_of_a_lost_kiosk_is_kept_for_whoever_asks_later(mosquitto: Any) -> None:
    kiosk = mosquitto.peer("north/kiosk-a")
    kiosk.client.will_set(STATE_A, "lost", qos=1, retain=True)
    watcher = mosquitto.peer("hub", client_id="watcher").connect().subscribe(STATE_A)
    kiosk.connect()
    kiosk.client.loop_stop()
    kiosk.client.socket().close()

    assert watcher.receive() == (STATE_A, "lost")
    assert mosquitto.peer("hub", client_id="later").connect().subscribe(STATE_A).receive() == (STATE_A, "lost")


def test_the_log_holds_no_payload_and_no_password(mosquitto: Any) -> None:
    mosquitto.peer("north/kiosk-a").connect().publish(EVENT_A, "Planted Name").disconnect()
    with pytest.raises(ConnectionRefusedError):
        mosquitto.peer("north/kiosk-a", password="planted password").connect()
    mosquitto.stop()

    assert "north/kiosk-a" in mosquitto.log()
    assert "lanted" not in mosquitto.log()


def test_the_broker_logs_neither_warning_nor_error_about_its_settings(make_mosquitto: Callable[..., Any]) -> None:
    broker = make_mosquitto()
    broker.stop()

    of_the_account = "should not be run as root"  # the account that runs the tests, not a setting
    complaints = [line for line in broker.log().splitlines() if "arning" in line or "rror" in line]
    assert not [line for line in complaints if of_the_account not in line]


def test_a_second_connection_of_the_hub_leaves_the_first_and_its_queue_alone(mosquitto: Any) -> None:
    def hub(client_id: str, *, clean_session: bool) -> Any:
        port = mosquitto.hub_tls_port
        return mosquitto.peer("hub", client_id=client_id, clean_session=clean_session, tls=True, port=port).connect()

    ingest = hub("hub", clean_session=False).subscribe(topics.subscription("event"))
    kiosk = mosquitto.peer("north/kiosk-a", tls=True).connect().subscribe(COMMAND_A)

    hub("hub-backup", clean_session=True).publish(COMMAND_A, "watermark").disconnect()

    assert kiosk.receive() == (COMMAND_A, "watermark")
    kiosk.publish(EVENT_A, "still heard")
    assert ingest.receive() == (EVENT_A, "still heard")


def test_on_the_kiosks_listener_nobody_can_pose_as_the_hub_s_session(mosquitto: Any) -> None:
    port = mosquitto.hub_tls_port
    ingest = mosquitto.peer("hub", client_id="hub", clean_session=False, tls=True, port=port).connect()
    ingest.subscribe(topics.subscription("event"))

    thief = mosquitto.peer("north/kiosk-b", client_id="hub", tls=True).connect()
    thief.publish(EVENT_B, "own event")

    assert ingest.receive() == (EVENT_B, "own event")


def test_only_the_kiosks_listener_is_open_to_the_network_and_nobody_is_anonymous() -> None:
    text = (Path(__file__).parents[2] / "deploy" / "mosquitto" / "mosquitto.conf").read_text()

    assert re.findall(r"(?m)^listener .*$", text) == ["listener 8883", "listener 8884 localhost"]
    assert "\nallow_anonymous false\n" in text
