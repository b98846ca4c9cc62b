"""Session locks."""

import asyncio

from referee import equal, fails, test


@test("a lock has one owner, and the next in the queue receives it")
async def locks(sandbox):
    one, two = await sandbox.session(), await sandbox.session()
    lock = await one.lock("Py/lock")
    equal((lock.name, lock.is_owned), ("Py/lock", True))
    equal((await one.lock("Py/lock")).sequence, lock.sequence)
    wanted = asyncio.ensure_future(two.lock("Py/lock"))
    await asyncio.sleep(0.1)
    assert not wanted.done(), "two sessions have one lock"
    assert await lock.unlock()
    second = await asyncio.wait_for(wanted, 10)
    assert second.sequence > lock.sequence
    third = asyncio.ensure_future(one.lock("Py/lock"))
    await asyncio.sleep(0.1)
    assert not third.done()
    # What a session has goes on with its end.
    await two.close()
    assert await (await asyncio.wait_for(third, 10)).unlock()


@test("permissions for locks")
async def rights(sandbox):
    client = await sandbox.session("client")
    await fails(client.lock("Py/lock"), "Exception", "ACQUIRE_LOCK")
