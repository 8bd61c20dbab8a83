"""A fixed number of instances that serve the same model."""

import asyncio

from penstock_local.sagemaker.blueprint import Blueprint
from penstock_local.sagemaker.instance import Instance
from penstock_local.sagemaker.services import Services

_START_POLL_SECONDS = 0.05


class UnhealthyError(Exception):
    """A container didn't answer /ping in time."""

    def __init__(self, container: str) -> None:
        super().__init__(container)
        self.container = container


class Pool:
    def __init__(self, blueprint: Blueprint, count: int, services: Services) -> None:
        self.instances = [Instance(blueprint, services) for _ in range(count)]
        self._blueprint = blueprint
        self._services = services

    async def start(self, seconds: float) -> None:
        """Returns when all model servers have answered /ping. Raises UnhealthyError."""
        for instance in self.instances:
            instance.start()
        deadline = self._services.clock.now() + seconds
        while waiting := self._not_ready():
            if self._services.clock.now() >= deadline:
                raise UnhealthyError(waiting[0])
            await asyncio.sleep(_START_POLL_SECONDS)

    def least_busy(self) -> Instance | None:
        ready = [instance for instance in self.instances if instance.ready]
        return min(ready, key=lambda instance: instance.in_flight, default=None)

    async def stop(self) -> None:
        await asyncio.gather(*(instance.stop() for instance in self.instances))
        self._blueprint.discard()

    def _not_ready(self) -> list[str]:
        return [
            container.name
            for instance in self.instances
            for container in instance.containers
            if not container.server.ready
        ]
