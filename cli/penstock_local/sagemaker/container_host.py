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
        """Raises ModelCallError; a multi-model container also ApiError."""
        self.server.in_flight += 1
        try:
            return await self._answer(call, rules)
        finally:
            self.server.in_flight -= 1

    def holds(self, target_model: str | None) -> bool:
        """Whether the model is already there, so that the request had better come here."""
        return target_model is None

    def target_models(self) -> list[str]:
        return []

    async def stop(self) -> None:
        await self.server.stop()

    async def _answer(self, call: ModelCall, rules: Rules) -> Answer:
        return await self._post("/invocations", call, rules)

    async def _post(self, path: str, call: ModelCall, rules: Rules) -> Answer:
        address = Address(f"{self.server.url}{path}", self.name)
        return await invoke(self._services.session, address, call, rules)
