"""Topics: specifications, updates with constraints, fetching, removal."""

import diffusion.datatypes as dt
from diffusion.features.topics.details.topic_specification import (
    CompressionPolicy,
    ConflationPolicy,
    TopicDeliveryPriority,
)
from diffusion.features.topics.update.constraint_factory import ConstraintFactory
from referee import Seen, equal, fails, test

VALUES = [
    ("json", dt.JSON, {"a": [1, 2.5, None, True, "é😀"]}),
    ("string", dt.STRING, "text"),
    ("int64", dt.INT64, 9_007_199_254_740_993),
    ("double", dt.DOUBLE, -0.25),
    ("binary", dt.BINARY, b"\x00\xff"),
]


@test("values of every type")
async def types(sandbox):
    session = await sandbox.session()
    for name, data_type, value in VALUES:
        path = f"Py/types/{name}"
        seen = Seen(session, path, data_type)
        await session.topics.add_and_set_topic(path, data_type, value)
        await session.topics.subscribe(path)
        equal((await seen.all("value", 1))[0]["topic_value"], value, name)
        result = await session.topics.fetch_request().with_values(data_type).fetch(path)
        equal([topic.value for topic in result.results], [value], name)


@test("an existing topic: the same specification, and others")
async def specifications(sandbox):
    session = await sandbox.session()
    specification = dt.JSON.with_properties(
        PERSISTENT=False,
        CONFLATION=ConflationPolicy.ALWAYS,
        COMPRESSION=CompressionPolicy.HIGH,
        PRIORITY=TopicDeliveryPriority.HIGH,
        TIDY_ON_UNSUBSCRIBE=True,
        REMOVAL="when no updates for 1d",
    )
    equal(await session.topics.add_topic("Py/spec", specification), session.topics.CREATED)
    equal(await session.topics.add_topic("Py/spec", specification), session.topics.EXISTS)
    await fails(session.topics.add_topic("Py/spec", dt.JSON), "ExistingTopicError")
    await fails(session.topics.add_topic("Py/spec", dt.STRING), "ExistingTopicError")
    await fails(session.topics.add_topic("Py//spec", dt.JSON), "InvalidTopicPathError")
    bad = dt.JSON.with_properties(REMOVAL="when I say so")
    await fails(session.topics.add_topic("Py/bad", bad), "InvalidTopicSpecificationError")
    reader = await sandbox.session("client")
    await fails(reader.topics.add_topic("Py/denied", dt.JSON), "ServiceMessageError", "MODIFY_TOPIC")


@test("values that fit, and that do not")
async def updates(sandbox):
    session = await sandbox.session()
    await session.topics.add_topic("Py/update", dt.JSON)
    await session.topics.set_topic("Py/update", {"n": 1}, dt.JSON)
    await fails(session.topics.set_topic("Py/update", "text", dt.STRING), "IncompatibleTopicError")
    await fails(session.topics.set_topic("Py/nothing", {}, dt.JSON), "NoSuchTopicError")
    equal(await session.topics.add_and_set_topic("Py/update", dt.JSON, {"n": 2}), session.topics.EXISTS)
    await fails(session.topics.add_and_set_topic("Py/update", dt.STRING, "x"), "ExistingTopicError")


@test("deltas produce the values that were set")
async def deltas(sandbox):
    session = await sandbox.session()
    await session.topics.add_topic("Py/deltas", dt.JSON)
    seen = Seen(session, "Py/deltas", dt.JSON)
    await session.topics.subscribe("Py/deltas")
    long = "long " * 200
    for number in range(5):
        await session.topics.set_topic("Py/deltas", {"n": number, "long": long}, dt.JSON)
    values = [value["topic_value"] for value in await seen.all("value", 5)]
    equal(values, [{"n": number, "long": long} for number in range(5)])


@test("compressed values are read as they were")
async def compression(sandbox):
    session = await sandbox.session()
    for policy in CompressionPolicy:
        path = f"Py/compressed/{policy.name}"
        await session.topics.add_topic(path, dt.STRING.with_properties(COMPRESSION=policy, PUBLISH_VALUES_ONLY=True))
        seen = Seen(session, path, dt.STRING)
        await session.topics.subscribe(path)
        texts = ["the same words " * count for count in (200, 500, 1000)]
        for text in texts:
            await session.topics.set_topic(path, text, dt.STRING)
        equal([value["topic_value"] for value in await seen.all("value", 3)], texts, policy.name)


@test("update constraints")
async def constraints(sandbox):
    session = await sandbox.session()
    make = ConstraintFactory()
    path = "Py/constraint"

    async def sets(value, constraint):
        await session.topics.set_topic(path, value, dt.JSON, constraint)

    equal(await session.topics.add_and_set_topic(path, dt.JSON, {"n": 1}, make.no_topic), session.topics.CREATED)
    await fails(session.topics.add_and_set_topic(path, dt.JSON, {"n": 1}, make.no_topic), "UnsatisfiedConstraintError")
    await fails(sets({"n": 2}, make.no_value), "UnsatisfiedConstraintError")
    await sets({"n": 2}, make.value(dt.JSON({"n": 1})))
    await fails(sets({"n": 3}, make.value(dt.JSON({"n": 1}))), "UnsatisfiedConstraintError")
    await sets({"n": 3}, make.json_value.with_("/n", dt.INT64(2)).without("/m"))
    await fails(sets({"n": 4}, make.json_value.with_("/n", dt.INT64(2))), "UnsatisfiedConstraintError")
    await fails(sets({"n": 4}, make.json_value.without("/n")), "UnsatisfiedConstraintError")
    lock = await session.lock("Py/constraint/lock")
    await sets({"n": 4}, make.locked(lock))
    await sets({"n": 5}, make.locked(lock) & make.value(dt.JSON({"n": 4})))
    await lock.unlock()
    await fails(sets({"n": 6}, make.locked(lock)), "UnsatisfiedConstraintError")


@test("fetch with its options")
async def fetch(sandbox):
    session = await sandbox.session()
    for path in ("a", "a/b", "a/c", "a/c/x", "b"):
        await session.topics.add_and_set_topic(f"Py/fetch/{path}", dt.JSON, {"path": path})
    await session.topics.add_topic("Py/fetch/s", dt.STRING)
    request = session.topics.fetch_request

    async def paths(query, selector="?Py/fetch//"):
        result = await query.fetch(selector)
        return [topic.path.removeprefix("Py/fetch/") for topic in result.results], result.has_more

    equal(await paths(request()), (["a", "a/b", "a/c", "a/c/x", "b", "s"], False))
    equal(await paths(request().first(2)), (["a", "a/b"], True))
    equal(await paths(request().last(2)), (["b", "s"], True))
    equal(await paths(request().from_("Py/fetch/a/c")), (["a/c", "a/c/x", "b", "s"], False))
    equal(await paths(request().after("Py/fetch/a/c").before("Py/fetch/s")), (["a/c/x", "b"], False))
    equal(await paths(request().to("Py/fetch/a/b")), (["a", "a/b"], False))
    equal(await paths(request().topic_types({dt.STRING})), (["s"], False))
    equal(await paths(request().limit_deep_branches(3, 1)), (["a", "b", "s"], False))
    equal(await paths(request(), "Py/nothing"), ([], False))
    result = await request().with_values(dt.JSON).with_properties().fetch("?Py/fetch/a//")
    equal([topic.value for topic in result.results], [{"path": path} for path in ("a", "a/b", "a/c", "a/c/x")])


@test("topics are removed, and subscribers are notified")
async def removal(sandbox):
    session = await sandbox.session()
    for path in ("a", "a/b", "c"):
        await session.topics.add_topic(f"Py/remove/{path}", dt.JSON)
    seen = Seen(session, "?Py/remove//", dt.JSON)
    await session.topics.subscribe("?Py/remove//")
    await seen.all("subscribe", 3)
    equal((await session.topics.remove_topic("?Py/remove/a//")).removed_count, 2)
    ends = await seen.all("unsubscribe", 2)
    equal({str(end["reason"]) for end in ends}, {"REMOVAL"})
    equal((await session.topics.remove_topic("?Py/remove/a//")).removed_count, 0)
    reader = await sandbox.session("client")
    await fails(reader.topics.remove_topic("Py/remove/c"), "ServiceMessageError", "MODIFY_TOPIC")
