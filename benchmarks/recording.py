"""A proxy on the loopback that counts the AWS requests that pass through it.

Every function gets a door of its own, so that a request tells who made it by where it arrives.
"""

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from benchmarks.wire import Operation, operation_of

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "content-length"}
_LARGEST_BODY = 1024**3


@dataclass(frozen=True)
class Exchange:
    """A request and what came of it; the bodies only of services that a bill depends on."""

    caller: str
    operation: Operation
    status: int
    request: bytes
    answer: bytes


@dataclass
class Recorder:
    """Filled by the proxy's thread, read when the traffic has ended."""

    exchanges: list[Exchange] = field(default_factory=list)

    def take(self) -> list[Exchange]:
        """All since the last time."""
        taken, self.exchanges = self.exchanges, []
        return taken


def counts(exchanges: Iterable[Exchange]) -> dict[str, Counter[Operation]]:
    """By caller."""
    counted: defaultdict[str, Counter[Operation]] = defaultdict(Counter)
    for each in exchanges:
        counted[each.caller][each.operation] += 1
    return dict(counted)


@dataclass(frozen=True)
class Door:
    """Where a caller's requests to one server arrive."""

    caller: str
    upstream: str


@contextmanager
def recording(doors: Iterable[Door]) -> Iterator[tuple[Recorder, dict[Door, str]]]:
    """The recorder, and the address of each door while it is open."""
    recorder = Recorder()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    proxy = _Proxy(recorder)
    try:
        opened = asyncio.run_coroutine_threadsafe(proxy.open(list(doors)), loop)
        yield recorder, opened.result(10)
    finally:
        asyncio.run_coroutine_threadsafe(proxy.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Proxy:
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._runners: list[web.AppRunner] = []
        self._session: aiohttp.ClientSession

    async def open(self, doors: list[Door]) -> dict[Door, str]:
        self._session = aiohttp.ClientSession(
            auto_decompress=False, timeout=aiohttp.ClientTimeout(total=120)
        )
        return {door: await self._listen(door) for door in doors}

    async def close(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        await self._session.close()

    async def _listen(self, door: Door) -> str:
        application = web.Application(client_max_size=_LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", partial(self._pass_on, door))
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        self._runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _pass_on(self, door: Door, request: web.Request) -> web.Response:
        body = await request.read()
        # The path as it was sent: it is part of what was signed.
        url = URL(door.upstream + request.raw_path, encoded=True)
        headers = _end_to_end(request.headers)
        async with self._session.request(
            request.method, url, headers=headers, data=body or None, allow_redirects=False
        ) as reply:
            answer = await reply.read()
        self._record(door, request, body, (reply.status, answer))
        return web.Response(status=reply.status, headers=_end_to_end(reply.headers), body=answer)

    def _record(
        self, door: Door, request: web.Request, body: bytes, reply: tuple[int, bytes]
    ) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        operation = operation_of(request.method, request.raw_path, headers, body)
        is_billed_by_size = operation.service in {"dynamodb", "sqs"}
        status, answer = reply
        kept = (body, answer) if is_billed_by_size else (b"", b"")
        self._recorder.exchanges.append(Exchange(door.caller, operation, status, *kept))


def _end_to_end(headers: Any) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP]
