from collections.abc import Callable
from datetime import datetime
from typing import Any

from hub.ingest.messages import Delivery, Fact, Refused, understand
from hub.ingest.receipts import receipts
from hub.ingest.recorder import Recorded
from protocol import codec


def test_receipts_go_to_each_kiosk_for_its_own(
    message: Callable[..., dict[str, Any]], deliver: Callable[..., Delivery], now: datetime
) -> None:
    one, two = (understand(deliver(message("visit-ended", kiosk=kiosk))) for kiosk in ("k1", "k2"))
    bad = understand(deliver(message("visit-ended", kiosk="k2", version="9.0")))
    assert isinstance(one, Fact)
    assert isinstance(two, Fact)
    assert isinstance(bad, Refused)
    told = list(receipts(Recorded(stored=[one], duplicates=[two], quarantined=[bad]), now=now))
    assert [(receipt.kiosk, len(receipt.stored), len(receipt.rejected)) for receipt in told] == [
        ("k1", 1, 0),
        ("k2", 1, 1),
    ]


def test_a_message_without_a_readable_id_or_sender_is_in_no_receipt(
    deliver: Callable[..., Delivery], now: datetime
) -> None:
    garbage = [understand(deliver(b"garbage")), understand(deliver(b"garbage", topic="other"))]
    assert list(receipts(Recorded(quarantined=garbage), now=now)) == []  # type: ignore[arg-type]


def test_many_ids_are_split_into_receipts_that_the_contract_allows(
    message: Callable[..., dict[str, Any]], deliver: Callable[..., Delivery], now: datetime
) -> None:
    facts = [understand(deliver(message("visit-ended"))) for _ in range(1_201)]
    refused = [understand(deliver(message("visit-ended", version="9.0"))) for _ in range(450)]
    told = list(receipts(Recorded(stored=facts, quarantined=refused), now=now))  # type: ignore[arg-type]
    assert [len(receipt.stored) for receipt in told] == [500, 500, 201, 0, 0]
    assert [len(receipt.rejected) for receipt in told] == [100, 100, 100, 100, 50]
    assert all(codec.encode(receipt) for receipt in told)
