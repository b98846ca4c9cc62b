"""What the tests with Python's SDK have in common. Each test is told of in a line of JSON on standard output: its name, and
what went wrong, or null."""

import asyncio
import json
import logging
import sys

import structlog

# The SDK's log holds its own source, and would drown what the tests say.
structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())
logging.disable(logging.CRITICAL)
sys.tracebacklimit = 0

import diffusion  # noqa: E402
from diffusion.features.topics.streams import ValueStreamHandler  # noqa: E402

TIMEOUT = 20
TESTS = []


def test(name):
    """Registers a coroutine that takes a Sandbox."""

    def register(function):
        TESTS.append((name, function))
        return function

    return register


class Sandbox:
    """Sessions with one sandbox, closed at the end of a test."""

    def __init__(self, port):
        self.url = f"ws://127.0.0.1:{port}"
        self.sessions = []

    async def session(self, principal="user", password="password", **properties):
        factory = diffusion.sessions().principal(principal).credentials(diffusion.Credentials(password))
        if properties:
            factory = factory.properties(properties)
        session = await asyncio.wait_for(factory.open(self.url), TIMEOUT)
        self.sessions.append(session)
        return session

    async def close(self):
        for session in self.sessions:
            try:
                await asyncio.wait_for(session.close(), TIMEOUT)
            except Exception:
                # A test that closes its session itself has done so already.
                pass
        self.sessions.clear()


class Seen:
    """What a value stream is told."""

    def __init__(self, session, selector, data_type):
        self.events = []
        session.topics.add_value_stream(
            selector,
            ValueStreamHandler(data_type, update=self.on("value"), subscribe=self.on("subscribe"), unsubscribe=self.on("unsubscribe")),
        )

    def on(self, kind):
        def tell(**details):
            self.events.append((kind, details))

        return tell

    async def all(self, kind, count):
        """The events of a kind, once there are so many."""
        end = asyncio.get_running_loop().time() + TIMEOUT
        while True:
            found = [details for (its_kind, details) in self.events if its_kind == kind]
            if len(found) >= count:
                return found
            assert asyncio.get_running_loop().time() < end, f"{count} of {kind} did not come: {self.events}"
            await asyncio.sleep(0.01)


async def fails(awaitable, error, saying=""):
    """Expects a call to fail with an error of this class name, and with these words in it."""
    try:
        result = await asyncio.wait_for(awaitable, TIMEOUT)
    except Exception as why:
        names = [kind.__name__ for kind in type(why).__mro__]
        assert error in names, f"failed with {names[0]}: {why}"
        assert saying in str(why), f"failed saying: {why}"
        return why
    raise AssertionError(f"it succeeded: {result!r}")


def equal(actual, expected, what=""):
    assert actual == expected, f"{what} {actual!r} is not {expected!r}"


async def run(port):
    for name, function in TESTS:
        sandbox = Sandbox(port)
        error = None
        try:
            await asyncio.wait_for(function(sandbox), 3 * TIMEOUT)
        except Exception as why:
            error = f"{type(why).__name__}: {why}"
        await sandbox.close()
        print(json.dumps({"name": name, "error": error}), flush=True)
