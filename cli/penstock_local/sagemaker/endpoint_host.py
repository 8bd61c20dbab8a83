"""The running side of one endpoint: its model servers, its queue, its workers."""

import asyncio
import logging
import random
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from penstock_local.sagemaker.async_worker import AsyncWorker, cancel_all
from penstock_local.sagemaker.backlog import Backlog
from penstock_local.sagemaker.blueprint import Blueprint, StartupError, prepare
from penstock_local.sagemaker.instance import Instance
from penstock_local.sagemaker.invocations import AsyncInvocation
from penstock_local.sagemaker.pool import Capacity, Pool, UnhealthyError
from penstock_local.sagemaker.resources import Endpoint, Variant
from penstock_local.sagemaker.routes import Route
from penstock_local.sagemaker.serverless import ServerlessPool
from penstock_local.sagemaker.services import Services
from penstock_local.sagemaker.traffic import chosen

_log = logging.getLogger(__name__)
_EXPIRY_POLL_SECONDS = 1.0


class EndpointHost:
    def __init__(self, endpoint: Endpoint, services: Services, backlog: Backlog) -> None:
        self.endpoint = endpoint
        self.backlog = backlog
        self.pools: dict[str, Capacity] = {}
        self._services = services
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._draining = False
        # Of its own, so that an endpoint's n-th request fares the same whatever others do.
        self._chance = random.Random(f"{services.seed}/{endpoint.name}")  # noqa: S311 - repeatable
        settings = endpoint.config.asynchronous
        self._worker = AsyncWorker(services, settings) if settings else None

    @property
    def busy(self) -> int:
        return len(self._busy)

    @property
    def log_file(self) -> Path:
        return self._services.state_folder / "logs" / f"{self.endpoint.name}.log"

    @property
    def instances(self) -> list[Instance]:
        return [instance for pool in self.pools.values() for instance in pool.instances]

    def route(self, target_variant: str | None) -> Route:
        """Raises ApiError."""
        name = chosen(self.endpoint, target_variant, self._chance).name
        model, pool = self.endpoint.models[name], self.pools[name]
        return Route(self.endpoint, name, model, pool, self.log_file)

    async def start(self) -> None:
        """Returns when every model server has answered /ping. Raises StartupError."""
        variants = [item for item in self.endpoint.config.variants if item.model_name]
        starting = {asyncio.create_task(self._start(variant)) for variant in variants}
        try:
            await asyncio.gather(*starting)
        finally:
            await cancel_all(starting)
        if settings := self.endpoint.config.asynchronous:
            self._start_workers(settings.max_concurrent)

    async def _start(self, variant: Variant) -> None:
        blueprint = await prepare(self._services, self.endpoint.models[variant.name], self.log_file)
        pool = self._capacity(variant, blueprint)
        self.pools[variant.name] = pool
        allowed = min(variant.startup_timeout, self._services.maximum_startup_seconds)
        try:
            await pool.start(allowed)
        except UnhealthyError as error:
            raise StartupError(self._unhealthy_reason(variant, error.container)) from error

    def _capacity(self, variant: Variant, blueprint: Blueprint) -> Capacity:
        if settings := variant.serverless:
            return ServerlessPool(self.endpoint.name, blueprint, settings, self._services)
        return Pool(blueprint, variant.instance_count, self._services)

    def _unhealthy_reason(self, variant: Variant, container: str) -> str:
        return (
            f"The {container} container for production variant {variant.name} did not pass the "
            "ping health check. Please check CloudWatch logs for this endpoint. "
            f"(Local logs: {self.log_file})"
        )

    def _start_workers(self, per_instance: int) -> None:
        # Round after round, so that the first requests spread over all instances.
        for _ in range(per_instance):
            for instance in self.instances:
                self._tasks.add(asyncio.create_task(self._work(instance)))
        self._tasks.add(asyncio.create_task(self._expire_waiting()))

    async def _work(self, instance: Instance) -> None:
        while not self._draining:
            await instance.until_ready()
            invocation = await self.backlog.take()
            if instance.ready:
                await self._process(invocation, instance)
            else:
                self.backlog.put_back(invocation)

    async def _process(self, invocation: AsyncInvocation, instance: Instance) -> None:
        task = asyncio.current_task()
        assert task and self._worker  # noqa: S101, PT018 - workers are the tasks of async endpoints
        self._busy.add(task)
        try:
            if not await _succeeds(self._worker.process(invocation, instance)):
                await _succeeds(self._worker.fail_internally(invocation))
        finally:
            self._busy.discard(task)

    async def _expire_waiting(self) -> None:
        while True:
            await self.expire_waiting()
            await asyncio.sleep(_EXPIRY_POLL_SECONDS)

    async def expire_waiting(self) -> None:
        if self._worker:
            for invocation in self.backlog.remove_expired(self._services.clock.now()):
                await self._worker.expire(invocation)

    async def drain(self) -> None:
        """Takes nothing more from the queue; returns when what runs has ended."""
        self._draining = True
        await cancel_all(self._tasks - self._busy)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        await cancel_all(self._tasks)
        await asyncio.gather(*(pool.stop() for pool in self.pools.values()))


async def _succeeds(work: Coroutine[Any, Any, None]) -> bool:
    try:
        await work
    # Whatever it is: a worker that ended here would silently cost the endpoint its capacity.
    except Exception:  # noqa: BLE001
        _log.exception("an invocation went wrong in the local SageMaker itself")
        return False
    return True
