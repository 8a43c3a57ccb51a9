import asyncio
import threading

import pytest

from hub.bus import Bus, BusClosed, ImageStored, Missed


def test_every_listener_hears_what_a_thread_publishes() -> None:
    async def listen() -> list[object]:
        bus = Bus()
        with bus.subscribe() as first, bus.subscribe() as second:
            thread = threading.Thread(target=bus.publish, args=(ImageStored("a"),))
            thread.start()
            heard = [await first.next(10), await second.next(10)]
            thread.join()
            return heard

    assert asyncio.run(listen()) == [ImageStored("a"), ImageStored("a")]


def test_silence_is_none() -> None:
    async def listen() -> object:
        with Bus().subscribe() as subscription:
            return await subscription.next(0.01)

    assert asyncio.run(listen()) is None


def test_a_slow_listener_is_told_that_it_missed_something_and_nobody_waits_for_it() -> None:
    async def listen() -> list[object]:
        bus = Bus()
        with bus.subscribe() as subscription:
            for number in range(300):
                bus.publish(ImageStored(str(number)))
            heard = []
            while (event := await subscription.next(0.01)) is not None:
                heard.append(event)
            return heard

    heard = asyncio.run(listen())
    assert heard[0] == Missed()
    assert heard[-1] == ImageStored("299")


def test_closing_the_bus_wakes_listeners_after_what_is_queued() -> None:
    async def listen() -> object:
        bus = Bus()
        with bus.subscribe() as subscription:
            bus.publish(ImageStored("a"))
            bus.close()
            first = await subscription.next(10)
            with pytest.raises(BusClosed):
                await subscription.next(10)
        with bus.subscribe() as late, pytest.raises(BusClosed):
            await late.next(10)
        return first

    assert asyncio.run(listen()) == ImageStored("a")


def test_a_listener_whose_loop_has_ended_disturbs_nobody() -> None:
    bus = Bus()

    async def listen() -> None:
        bus.subscribe()

    asyncio.run(listen())
    bus.publish(ImageStored("a"))
    bus.close()
