"""The capacity of a serverless endpoint: instances that come and go, one request at a time each.

Guide, `serverless-endpoints`: what exceeds the maximum concurrency is throttled; there is a cold
start when no instance is free. `serverless-endpoints-invoke`: 3 minutes to the first /ping.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from penstock_local.sagemaker import stats as counts
from penstock_local.sagemaker.blueprint import Blueprint
from penstock_local.sagemaker.errors import model_not_ready, throttled
from penstock_local.sagemaker.instance import Instance
from penstock_local.sagemaker.pool import UnhealthyError
from penstock_local.sagemaker.resources import ServerlessSettings
from penstock_local.sagemaker.services import Services

STARTUP_TIMEOUT_SECONDS = 180
_POLL_SECONDS = 0.05
_REAP_SECONDS = 0.2
# What the service says is not documented.
_PROVISIONING = (
    "The resources of the serverless endpoint are still being provisioned. "
    "Wait and try your request again."
)


@dataclass(eq=False)
class _Worker:
    instance: Instance
    idle_since: float
    claimed: bool = False


class ServerlessPool:
    def __init__(
        self, name: str, blueprint: Blueprint, settings: ServerlessSettings, services: Services
    ) -> None:
        self._name = name
        self._blueprint = blueprint
        self._settings = settings
        self._services = services
        self._workers: list[_Worker] = []
        self._reaper: asyncio.Task[None] | None = None

    @property
    def instances(self) -> list[Instance]:
        return [worker.instance for worker in self._workers]

    async def start(self, seconds: float) -> None:
        """Shows that the model comes up. Raises UnhealthyError."""
        for _ in range(max(1, self._settings.provisioned)):
            self._launch()
        clock = self._services.clock
        deadline = clock.now() + min(seconds, STARTUP_TIMEOUT_SECONDS)
        while not all(instance.ready for instance in self.instances):
            if clock.now() >= deadline:
                raise UnhealthyError(self.instances[0].containers[0].name)
            await asyncio.sleep(_POLL_SECONDS)
        self._reaper = asyncio.create_task(self._reap())

    @contextlib.asynccontextmanager
    async def instance(self, target_model: str | None, seconds: float) -> AsyncIterator[Instance]:
        """A free one. Raises ApiError if there are too many requests or if it takes too long."""
        if sum(worker.claimed for worker in self._workers) >= self._settings.max_concurrency:
            self._services.stats.count(self._name, counts.THROTTLED)
            raise throttled()
        worker = self._claim()
        try:
            await self._until_ready(worker, seconds)
            yield worker.instance
        finally:
            worker.claimed = False
            worker.idle_since = self._services.clock.now()

    async def stop(self) -> None:
        if self._reaper:
            self._reaper.cancel()
            await asyncio.gather(self._reaper, return_exceptions=True)
        await asyncio.gather(*(instance.stop() for instance in self.instances))
        self._blueprint.discard()

    def _claim(self) -> _Worker:
        free = [worker for worker in self._workers if not worker.claimed]
        # Rather one that is starting, or has crashed, than yet another cold start.
        free.sort(key=lambda worker: not worker.instance.ready)
        worker = free[0] if free else self._launch()
        if not worker.instance.ready:
            self._services.stats.count(self._name, counts.COLD_STARTS)
        worker.claimed = True
        return worker

    def _launch(self) -> _Worker:
        worker = _Worker(
            Instance(self._blueprint, self._services), idle_since=self._services.clock.now()
        )
        worker.instance.start()
        self._workers.append(worker)
        return worker

    async def _until_ready(self, worker: _Worker, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await worker.instance.until_ready()
        except TimeoutError as error:
            raise model_not_ready(_PROVISIONING) from error

    async def _reap(self) -> None:
        """Stops what nobody has used for a while, down to the provisioned concurrency."""
        while True:
            await asyncio.sleep(_REAP_SECONDS)
            idle = [worker for worker in self._workers if self._is_idle(worker)]
            surplus = len(self._workers) - self._settings.provisioned
            for worker in idle[: max(0, surplus)]:
                self._workers.remove(worker)
                await worker.instance.stop()

    def _is_idle(self, worker: _Worker) -> bool:
        limit = self._services.limits.now.serverless_idle_seconds
        return not worker.claimed and self._services.clock.now() - worker.idle_since >= limit
