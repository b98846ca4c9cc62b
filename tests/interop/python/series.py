"""Time series: appends, edits, range queries. The test that starts this lets `user` edit at `Py/edit`."""

import datetime

import diffusion.datatypes as dt
from referee import equal, fails, test

START = 1_700_000_000_000


async def fill(session, path, count):
    series = session.time_series
    specification = series.of(dt.INT64).with_properties(TIME_SERIES_RETAINED_RANGE="limit 100")
    await session.topics.add_topic(path, specification)
    for number in range(count):
        await series.append(path, number, dt.INT64, START + 1000 * number)


async def sequences(query, path):
    result = await query.select_from(path)
    return [event.sequence for event in result.events]


@test("range queries by every anchor and span")
async def ranges(sandbox):
    session = await sandbox.session()
    await fill(session, "Py/range", 10)
    query = session.time_series.range_query(dt.INT64)
    for selected, expected in (
        (query, list(range(10))),
        (query.from_(7), [7, 8, 9]),
        (query.from_(2).to(4), [2, 3, 4]),
        (query.from_start().next(2), [0, 1]),
        (query.from_(3).previous(2), [2, 3]),
        (query.from_(3).to_start(), [0, 1, 2, 3]),
        (query.from_last(3), [7, 8, 9]),
        (query.from_last(3).until_last(1), [7, 8]),
        (query.from_last_milliseconds(2000), [7, 8, 9]),
        (query.from_(5).previous_milliseconds(2000), [3, 4, 5]),
        (query.from_(5).next_milliseconds(1000), [5, 6]),
        (query.until_last_milliseconds(7000), [0, 1, 2]),
        (query.from_last(datetime.timedelta(seconds=1)), [8, 9]),
    ):
        equal(await sequences(selected, "Py/range"), expected)
    limited = await query.limit(3).select_from("Py/range")
    equal([event.sequence for event in limited.events], [7, 8, 9])
    equal((limited.selected_count, limited.is_complete), (10, False))
    [event] = (await query.from_(4).to(4).select_from("Py/range")).events
    equal((event.author, event.timestamp, event.value), ("user", START + 4000, 4))


@test("events that are refused")
async def refusals(sandbox):
    session = await sandbox.session()
    await fill(session, "Py/refused", 2)
    series = session.time_series
    await fails(series.append("Py/refused", "text", dt.STRING), "IncompatibleTopicError")
    await fails(series.append("Py/nothing", 1, dt.INT64), "NoSuchTopicError")
    await fails(series.append("Py/refused", 1, dt.INT64, START), "Exception", "timestamp")
    await fails(series.edit("Py/refused", 0, 1, dt.INT64), "ServiceMessageError", "EDIT_TIME_SERIES_EVENTS")
    await fails(series.range_query().select_from("Py/nothing"), "NoSuchTopicError")
    await fails(
        series.range_query().for_edits().select_from("Py/refused"), "ServiceMessageError", "QUERY_OBSOLETE_TIME_SERIES_EVENTS"
    )
    await session.topics.add_topic("Py/plain", dt.JSON)
    await fails(series.range_query().select_from("Py/plain"), "IncompatibleTopicError")
    reader = await sandbox.session("client")
    await fails(reader.time_series.append("Py/refused", 1, dt.INT64), "ServiceMessageError", "UPDATE_TOPIC")


@test("edits, and the events before them")
async def edits(sandbox):
    session = await sandbox.session()
    series = session.time_series
    await fill(session, "Py/edit", 3)
    metadata = await series.edit("Py/edit", 1, 100, dt.INT64)
    equal((metadata.sequence, metadata.author), (3, "user"))
    query = series.range_query(dt.INT64)
    equal(await sequences(query, "Py/edit"), [0, 3, 2])
    edited = (await query.select_from("Py/edit")).events[1]
    equal((edited.value, edited.is_edit_event, edited.original_event.sequence), (100, True, 1))
    equal(edited.original_event.author, "user")
    equal(await sequences(query.for_edits(), "Py/edit"), [0, 1, 2, 3])
    equal(await sequences(query.for_edits().latest_edits().from_(3), "Py/edit"), [3])
    equal(await sequences(query.for_values().edit_range().to(2), "Py/edit"), [0, 1, 2])
    await fails(series.edit("Py/edit", 3, 1, dt.INT64), "NoSuchEventError")
    await fails(series.edit("Py/edit", 99, 1, dt.INT64), "NoSuchEventError")
