"""One "instance": the containers of a model, side by side."""

import asyncio

from penstock_local.sagemaker.blueprint import Blueprint
from penstock_local.sagemaker.container_host import ContainerHost
from penstock_local.sagemaker.model_client import Answer, ModelCall, Rules
from penstock_local.sagemaker.model_server import ModelServer
from penstock_local.sagemaker.services import Services


class Instance:
    def __init__(self, blueprint: Blueprint, services: Services) -> None:
        self.containers = [
            ContainerHost(
                container.name,
                ModelServer(blueprint.launch(container), services.supervision),
                services,
            )
            for container in blueprint.model.containers
        ]

    @property
    def servers(self) -> list[ModelServer]:
        return [container.server for container in self.containers]

    @property
    def ready(self) -> bool:
        return all(server.ready for server in self.servers)

    @property
    def in_flight(self) -> int:
        return sum(server.in_flight for server in self.servers)

    def start(self) -> None:
        for server in self.servers:
            server.start()

    async def until_ready(self) -> None:
        while not self.ready:
            for server in self.servers:
                await server.until_ready()

    async def stop(self) -> None:
        await asyncio.gather(*(server.stop() for server in self.servers))

    async def invoke(self, call: ModelCall, rules: Rules) -> Answer:
        """Raises ModelCallError."""
        return await self.containers[0].invoke(call, rules)
