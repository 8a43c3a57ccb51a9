from edge.bus import Bus, LinkChanged, ReceiptArrived


def test_a_failing_handler_stops_nobody_else() -> None:
    bus = Bus()
    heard: list[LinkChanged] = []

    def fail(_event: LinkChanged) -> None:
        raise ZeroDivisionError

    bus.subscribe(LinkChanged, fail)
    bus.subscribe(LinkChanged, heard.append)
    bus.publish(LinkChanged(connected=True))
    assert heard == [LinkChanged(connected=True)]
    assert bus.failures == 1


def test_only_the_event_s_own_type_is_heard() -> None:
    bus = Bus()
    heard: list[LinkChanged] = []
    bus.subscribe(LinkChanged, heard.append)
    bus.publish(ReceiptArrived(1, 0))
    assert heard == []
