"""Keeps one "instance" of an endpoint alive: start, wait for /ping, watch, restart."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass

import aiohttp

from penstock_local.sagemaker.lifeline import Lifeline
from penstock_local.sagemaker.process import Launch, ServerProcess, start

_log = logging.getLogger(__name__)
_HTTP_OK = 200
_PING_ANSWER_SECONDS = 2  # "answer within 2 s"
_START_POLL_SECONDS = 0.1
_FIRST_BACKOFF_SECONDS = 0.2
_MAXIMUM_BACKOFF_SECONDS = 10.0
_ALLOWED_PING_FAILURES = 2


@dataclass(frozen=True)
class Supervision:
    """What every model server of this process shares."""

    session: aiohttp.ClientSession
    lifeline: Lifeline
    ping_seconds: float
    stop_seconds: float


class ModelServer:
    def __init__(self, launch: Launch, supervision: Supervision) -> None:
        self._launch = launch
        self._with = supervision
        self._process: ServerProcess | None = None
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.restarts = 0
        self.in_flight = 0

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._process.port if self._process else 0}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        self._task = asyncio.create_task(self._supervise())

    async def until_ready(self) -> None:
        await self._ready.wait()

    def kill(self) -> int | None:
        """Kills the process as an out-of-memory killer would; returns its id."""
        pid = self.pid
        if self._process:
            self._process.kill()
        return pid

    async def stop(self) -> None:
        self._ready.clear()
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _supervise(self) -> None:
        backoff = _FIRST_BACKOFF_SECONDS
        while True:
            was_ready = await self._run_once()
            backoff = _FIRST_BACKOFF_SECONDS if was_ready else backoff * 2
            await asyncio.sleep(min(backoff, _MAXIMUM_BACKOFF_SECONDS))
            self.restarts += 1

    async def _run_once(self) -> bool:
        """One life of the process. Returns whether it ever answered /ping."""
        try:
            process = await start(self._launch, self._with.lifeline)
        except OSError as error:
            _log.warning("%s can't be started: %s", self._launch.image_folder, error)
            return False
        self._process = process
        try:
            return await self._live(process)
        finally:
            self._ready.clear()
            self._process = None
            await process.stop(self._with.stop_seconds)

    async def _live(self, process: ServerProcess) -> bool:
        ended = asyncio.create_task(process.wait())
        watched = asyncio.create_task(self._watch())
        try:
            await asyncio.wait([ended, watched], return_when=asyncio.FIRST_COMPLETED)
            was_ready = self.ready
            self._report(process, ended)
        finally:
            ended.cancel()
            watched.cancel()
            await asyncio.gather(ended, watched, return_exceptions=True)
        return was_ready

    def _report(self, process: ServerProcess, ended: asyncio.Task[int]) -> None:
        folder = self._launch.image_folder
        if ended.done():
            _log.warning("model server %s (%s) ended: %s", process.pid, folder, ended.result())
        else:
            _log.warning("model server %s (%s) is unhealthy", process.pid, folder)

    async def _watch(self) -> None:
        """Returns when a server that was healthy no longer is."""
        while not await self._ping():
            await asyncio.sleep(_START_POLL_SECONDS)
        self._ready.set()
        failures = 0
        while failures <= _ALLOWED_PING_FAILURES:
            await asyncio.sleep(self._with.ping_seconds)
            failures = 0 if await self._ping() else failures + 1

    async def _ping(self) -> bool:
        timeout = aiohttp.ClientTimeout(total=_PING_ANSWER_SECONDS)
        try:
            async with self._with.session.get(f"{self.url}/ping", timeout=timeout) as response:
                return response.status == _HTTP_OK
        except (aiohttp.ClientError, OSError):  # TimeoutError is an OSError
            return False
