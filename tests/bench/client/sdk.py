"""What the vendor's SDK for Python does in a second, unmodified: the counterpart of `src/main.rs`.

`python sdk.py TASK PORT COUNT` prints a line of JSON.
"""

import asyncio
import gc
import json
import logging
import os
import sys
import time

import structlog

# The SDK's log would be what is measured.
structlog.configure(logger_factory=structlog.stdlib.LoggerFactory(), wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
logging.disable(logging.CRITICAL)

import diffusion  # noqa: E402
import diffusion.datatypes as dt  # noqa: E402
from diffusion.features.topics.streams import ValueStreamHandler  # noqa: E402

AT_ONCE = 64
TASK, URL, COUNT = sys.argv[1], f"ws://127.0.0.1:{sys.argv[2]}", int(sys.argv[3])


def message(number):
    return {
        "text": f"message {number} of those that are sent here, about as long as people write in a chat",
        "name": "Ann",
        "timestamp": 1_700_000_000_000 + number,
    }


async def opened():
    return await diffusion.sessions().principal("control").credentials(diffusion.Credentials("password")).open(URL)


def rate(begin, before):
    seconds = time.perf_counter() - begin
    return {"rate": COUNT / seconds, "cpu_us_each": (time.process_time() - before) * 1e6 / COUNT}


def resident():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


def values(session, selector, data_type, use):
    """Calls `use` with each value of a stream."""

    def update(topic_value, **_):
        use(topic_value)

    session.topics.add_value_stream(selector, ValueStreamHandler(data_type, update=update))


async def connect():
    milliseconds = []
    for _ in range(COUNT):
        begin = time.perf_counter()
        session = await diffusion.sessions().open(URL)
        milliseconds.append((time.perf_counter() - begin) * 1000)
        await session.close()
    return {"milliseconds": milliseconds}


async def receive():
    session = await opened()
    found = {"letters": 0, "seen": 0}
    done = asyncio.Event()

    def use(event):
        found["letters"] += len(event.value.value["text"])
        found["seen"] += 1
        if found["seen"] == COUNT:
            done.set()

    values(session, ">bench/series", session.time_series.of(dt.JSON), use)
    begin, before = time.perf_counter(), time.process_time()
    await session.topics.subscribe(">bench/series")
    await done.wait()
    return {**rate(begin, before), "letters": found["letters"]}


async def send():
    session = await opened()
    await session.topics.add_topic("bench/sent", dt.JSON)
    numbers = iter(range(COUNT))

    async def one():
        for number in numbers:
            await session.topics.set_topic("bench/sent", message(number), dt.JSON)

    begin, before = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return rate(begin, before)


async def latency():
    session = await opened()
    await session.topics.add_topic("bench/latency", dt.JSON)
    queue = asyncio.Queue()
    values(session, ">bench/latency", dt.JSON, queue.put_nowait)
    await session.topics.subscribe(">bench/latency")
    milliseconds = []
    for number in range(COUNT):
        begin = time.perf_counter()
        update = asyncio.ensure_future(session.topics.set_topic("bench/latency", message(number), dt.JSON))
        seen = await queue.get()
        milliseconds.append((time.perf_counter() - begin) * 1000)
        assert seen["text"] == message(number)["text"], seen
        await update
    return {"milliseconds": milliseconds}


async def memory():
    session = await opened()
    gc.collect()
    before, begin = resident(), time.perf_counter()
    found = {"seen": 0}
    done = asyncio.Event()

    def use(_):
        found["seen"] += 1
        if found["seen"] == COUNT:
            done.set()

    values(session, "?bench/many/", dt.JSON, use)
    await session.topics.subscribe("?bench/many/")
    await done.wait()
    seconds = time.perf_counter() - begin
    gc.collect()
    return {"bytes": resident() - before, "seconds": seconds}


async def main():
    print(json.dumps(await globals()[TASK]()), flush=True)
    # Not in order: the SDK's tasks would be heard of once more.
    os._exit(0)


asyncio.run(main())
