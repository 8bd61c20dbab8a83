"""One "instance": the containers of a model, side by side."""

import asyncio
import uuid

from penstock_local.sagemaker import pipeline
from penstock_local.sagemaker.blueprint import Blueprint
from penstock_local.sagemaker.container_host import ContainerHost
from penstock_local.sagemaker.model_client import Answer, ModelCall, Rules
from penstock_local.sagemaker.model_server import ModelServer
from penstock_local.sagemaker.multi_model import MultiModelContainer
from penstock_local.sagemaker.resources import Container
from penstock_local.sagemaker.services import Services


class Instance:
    def __init__(self, blueprint: Blueprint, services: Services) -> None:
        # The instance's volume, for the models of a multi-model container.
        self._storage = blueprint.folder / f"instance-{uuid.uuid4().hex[:8]}"
        self._services = services
        self.containers = [
            self._host(blueprint, container) for container in blueprint.model.containers
        ]

    def _host(self, blueprint: Blueprint, container: Container) -> ContainerHost:
        storage = self._storage / container.name
        server = ModelServer(blueprint.launch(container, storage), self._services.supervision)
        if container.multi_model:
            storage.mkdir(parents=True)
            return MultiModelContainer(container, server, storage, self._services)
        return ContainerHost(container.name, server, self._services)

    @property
    def servers(self) -> list[ModelServer]:
        return [container.server for container in self.containers]

    @property
    def ready(self) -> bool:
        return all(server.ready for server in self.servers)

    @property
    def in_flight(self) -> int:
        return sum(server.in_flight for server in self.servers)

    def holds(self, target_model: str | None) -> bool:
        return any(container.holds(target_model) for container in self.containers)

    def start(self) -> None:
        for server in self.servers:
            server.start()

    async def until_ready(self) -> None:
        while not self.ready:
            for server in self.servers:
                await server.until_ready()

    async def stop(self) -> None:
        await asyncio.gather(*(container.stop() for container in self.containers))

    async def invoke(self, call: ModelCall, rules: Rules) -> Answer:
        """Raises ModelCallError; with a multi-model container also ApiError."""
        if call.container is None:
            return await pipeline.run(self.containers, call, rules)
        named = {container.name: container for container in self.containers}
        return await named[call.container].invoke(call, rules)
