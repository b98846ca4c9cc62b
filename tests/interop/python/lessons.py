"""The tutorial's three lessons, as a Python client has its part in them."""

import asyncio

import diffusion.datatypes as dt
from referee import Seen, equal, fails, test


@test("lesson 1: a room is a topic, and its members receive its messages")
async def live(sandbox):
    alice, bob = await sandbox.session(), await sandbox.session("client")
    equal(await alice.topics.add_topic("Py/room", dt.JSON), alice.topics.CREATED)
    equal(await alice.topics.add_topic("Py/room", dt.JSON), alice.topics.EXISTS)
    seen = Seen(bob, "Py/room", dt.JSON)
    await bob.topics.subscribe("Py/room")
    await seen.all("subscribe", 1)
    for text in ("one", "two", "three"):
        await alice.topics.set_topic("Py/room", {"text": text, "name": "Alice", "timestamp": 1_700_000_000_000}, dt.JSON)
    values = await seen.all("value", 3)
    equal([value["topic_value"]["text"] for value in values], ["one", "two", "three"])
    equal(values[2]["old_value"]["text"], "two")
    await bob.topics.unsubscribe("Py/room")
    [end] = await seen.all("unsubscribe", 1)
    equal(str(end["reason"]), "REQUESTED")


@test("lesson 2: a later subscriber receives the history, and then new events")
async def history(sandbox):
    alice, bob = await sandbox.session(), await sandbox.session("client")
    series = alice.time_series
    event_type = series.of(dt.JSON)
    specification = event_type.with_properties(
        TIME_SERIES_RETAINED_RANGE="limit 100", TIME_SERIES_SUBSCRIPTION_RANGE="limit 100"
    )
    await alice.topics.add_topic("Py/history", specification)
    for number, text in enumerate(("one", "two", "three")):
        metadata = await series.append("Py/history", {"text": text}, dt.JSON)
        equal((metadata.sequence, metadata.author), (number, "user"))
    seen = Seen(bob, "Py/history", event_type)
    await bob.topics.subscribe("Py/history")
    await seen.all("value", 3)
    await series.append("Py/history", {"text": "four"}, dt.JSON)
    events = [value["topic_value"] for value in await seen.all("value", 4)]
    equal([(event.sequence, event.author, event.value.value["text"]) for event in events], [
        (0, "user", "one"),
        (1, "user", "two"),
        (2, "user", "three"),
        (3, "user", "four"),
    ])


@test("lesson 3: an account that was created elsewhere signs in; others do not")
async def accounts(sandbox):
    session = await sandbox.session("pythonista", "secret")
    await asyncio.wait_for(session.ping_server(), 10)
    await session.topics.add_and_set_topic("Py/mine", dt.STRING, "hello")
    for principal, password in (("pythonista", "wrong"), ("pythonista", ""), ("nobody", "secret")):
        await fails(sandbox.session(principal, password), "ServerConnectionResponseError", "AUTHENTICATION_FAILED")
    reader = await sandbox.session("client")
    await fails(reader.topics.set_topic("Py/mine", "no", dt.STRING), "ServiceMessageError", "UPDATE_TOPIC")


@test("a session may propose properties, and ends when it is closed")
async def session_properties(sandbox):
    session = await sandbox.session("user", team="python")
    told = []
    control = await sandbox.session("control")

    async def answer(request, **context):
        told.append(context["session_properties"])
        return request

    from diffusion.messaging import RequestHandler

    handler = RequestHandler(answer, dt.STRING, dt.STRING)
    await control.messaging.add_request_handler("Py/who", handler, ["$Principal", "$ClientType", "team", "other"])
    await session.messaging.send_request_to_path("Py/who", dt.STRING("?"))
    equal(dict(told[0]), {"$Principal": "user", "$ClientType": "PYTHON", "team": "python"})
    await session.close()
    try:
        await asyncio.wait_for(session.topics.add_topic("Py/late", dt.JSON), 5)
    except Exception:
        return
    raise AssertionError("a closed session added a topic")
