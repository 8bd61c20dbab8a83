"""One container of one instance: its model server, and how it is invoked."""

from penstock_local.sagemaker.model_client import Address, Answer, ModelCall, Rules, invoke
from penstock_local.sagemaker.model_server import ModelServer
from penstock_local.sagemaker.services import Services


class ContainerHost:
    def __init__(self, name: str, server: ModelServer, services: Services) -> None:
        self.name = name
        self.server = server
        self._services = services

    async def invoke(self, call: ModelCall, rules: Rules) -> Answer:
        """Raises ModelCallError."""
        self.server.in_flight += 1
        try:
            address = Address(f"{self.server.url}/invocations", self.name)
            return await invoke(self._services.session, address, call, rules)
        finally:
            self.server.in_flight -= 1
