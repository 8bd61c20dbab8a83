"""A fixed number of instances that serve the same model."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from penstock_local.sagemaker.blueprint import Blueprint
from penstock_local.sagemaker.instance import Instance
from penstock_local.sagemaker.services import Services

_START_POLL_SECONDS = 0.05


class UnhealthyError(Exception):
    """A container didn't answer /ping in time."""

    def __init__(self, container: str) -> None:
        super().__init__(container)
        self.container = container


class NoInstanceError(Exception):
    """None is ready: all have crashed or fail their health check."""


class Capacity(Protocol):
    """What serves a variant."""

    @property
    def instances(self) -> list[Instance]: ...

    async def start(self, seconds: float) -> None:
        """Returns when it can serve. Raises UnhealthyError."""

    def instance(
        self, target_model: str | None, seconds: float
    ) -> AbstractAsyncContextManager[Instance]:
        """The instance for one request, found within the time. Raises NoInstanceError, ApiError."""

    async def stop(self) -> None: ...


class Pool:
    def __init__(self, blueprint: Blueprint, count: int, services: Services) -> None:
        self._instances = [Instance(blueprint, services) for _ in range(count)]
        self._blueprint = blueprint
        self._services = services

    @property
    def instances(self) -> list[Instance]:
        return self._instances

    async def start(self, seconds: float) -> None:
        """Returns when all model servers have answered /ping. Raises UnhealthyError."""
        for instance in self._instances:
            instance.start()
        deadline = self._services.clock.now() + seconds
        while waiting := self._not_ready():
            if self._services.clock.now() >= deadline:
                raise UnhealthyError(waiting[0])
            await asyncio.sleep(_START_POLL_SECONDS)

    @contextlib.asynccontextmanager
    async def instance(self, target_model: str | None, seconds: float) -> AsyncIterator[Instance]:
        """The least busy of those that hold the model, else of all. Raises NoInstanceError."""
        ready = [instance for instance in self._instances if instance.ready]
        if not ready:
            raise NoInstanceError
        holding = [instance for instance in ready if instance.holds(target_model)]
        yield min(holding or ready, key=lambda instance: instance.in_flight)

    async def stop(self) -> None:
        await asyncio.gather(*(instance.stop() for instance in self._instances))
        self._blueprint.discard()

    def _not_ready(self) -> list[str]:
        return [
            container.name
            for instance in self._instances
            for container in instance.containers
            if not container.server.ready
        ]
