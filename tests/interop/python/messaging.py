"""Requests to a path, to a session and to a filter."""

import asyncio

import diffusion.datatypes as dt
from diffusion.messaging import RequestHandler
from referee import TIMEOUT, equal, fails, test


def echo(told=None):
    async def answer(request, **context):
        if told is not None:
            told.append((request, context))
        return {"got": request}

    return RequestHandler(answer, dt.JSON, dt.JSON)


@test("a request to a path")
async def path(sandbox):
    control, client = await sandbox.session("control"), await sandbox.session("client")
    told = []
    await control.messaging.add_request_handler("Py/echo", echo(told), ["$Principal"])
    answer = await client.messaging.send_request_to_path("Py/echo", dt.JSON({"n": 1}))
    equal(answer.value, {"got": {"n": 1}})
    [(request, context)] = told
    equal((request, dict(context["session_properties"])), ({"n": 1}, {"$Principal": "client"}))
    equal(str(context["sender_session_id"]), str(client.session_id))
    await fails(client.messaging.send_request_to_path("Py/nobody", dt.JSON({})), "UnhandledMessageError")
    await fails(client.messaging.add_request_handler("Py/mine", echo()), "ServiceMessageError", "REGISTER_HANDLER")


@test("a request to a session")
async def session(sandbox):
    control, client = await sandbox.session("control"), await sandbox.session("client")
    client.messaging.add_stream_handler("Py/mine", echo(), addressed=True)
    answer = await control.messaging.send_request_to_session("Py/mine", client.session_id, dt.JSON({"n": 2}))
    equal(answer.value, {"got": {"n": 2}})
    await fails(
        client.messaging.send_request_to_session("Py/mine", control.session_id, dt.JSON({})), "ServiceMessageError", "SEND_TO_SESSION"
    )
    gone = client.session_id
    await client.close()
    await fails(control.messaging.send_request_to_session("Py/mine", gone, dt.JSON({})), "NoSuchSessionError")


class Answers:
    def __init__(self):
        self.told = []

    async def handle(self, event, **details):
        self.told.append((event, details))


@test("a request to a filter")
async def session_filter(sandbox):
    control = await sandbox.session("control")
    clients = [await sandbox.session("operator") for _ in range(2)]
    for client in clients:
        client.messaging.add_stream_handler("Py/all", echo(), addressed=True)
    everyone = "$Principal is 'operator'"
    answers = Answers()
    control.messaging.add_filter_response_handler(everyone, answers)
    equal(await control.messaging.send_request_to_filter(everyone, "Py/all", dt.JSON({"n": 3})), 2)
    end = asyncio.get_running_loop().time() + TIMEOUT
    while len(answers.told) < 2:
        assert asyncio.get_running_loop().time() < end, answers.told
        await asyncio.sleep(0.01)
    equal(
        {str(details["session_id"]) for (_, details) in answers.told}, {str(client.session_id) for client in clients}
    )
    await fails(control.messaging.send_request_to_filter("nonsense", "Py/all", dt.JSON({})), "MessagingError")
    await fails(clients[0].messaging.send_request_to_filter(everyone, "Py/all", dt.JSON({})), "ServiceMessageError")
