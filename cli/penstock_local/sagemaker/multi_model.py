"""A container with many models, of which each invocation names one."""

import asyncio
import io
from dataclasses import replace
from pathlib import Path

from penstock_local.sagemaker.container_host import ContainerHost
from penstock_local.sagemaker.model_client import Answer, ModelCall, Rules
from penstock_local.sagemaker.model_loader import NO_MEMORY, ModelLoader, ModelLoadError
from penstock_local.sagemaker.model_server import ModelServer
from penstock_local.sagemaker.models_api import TARGET_MODEL_HEADER
from penstock_local.sagemaker.resources import Container
from penstock_local.sagemaker.services import Services

_NOT_LOADED = 404


class MultiModelContainer(ContainerHost):
    def __init__(
        self, container: Container, server: ModelServer, storage: Path, services: Services
    ) -> None:
        super().__init__(container.name, server, services)
        self._caches = container.caches_models
        self._loader = ModelLoader(container, server, storage, services)

    def holds(self, target_model: str | None) -> bool:
        name = self._loader.name_of(target_model or "")
        return name in self._loader.loaded or self._loader.is_loading(name)

    def target_models(self) -> list[str]:
        return self._loader.target_models()

    async def stop(self) -> None:
        await self._loader.stop()
        await super().stop()

    async def _answer(self, call: ModelCall, rules: Rules) -> Answer:
        """Raises what `ModelLoader.until_loaded` raises, but ModelLoadError, and ModelCallError."""
        name = self._loader.name_of(call.target_model or "")
        headers = {**call.headers, TARGET_MODEL_HEADER: call.target_model or ""}
        try:
            with self._loader.loaded.using(name):
                return await self._invoke(name, replace(call, headers=headers), rules)
        except ModelLoadError as error:
            body = io.BytesIO(error.text.encode())
            return Answer(error.status, "text/plain", None, body, self.name)
        finally:
            self._after_use(name)

    async def _invoke(self, name: str, call: ModelCall, rules: Rules) -> Answer:
        now = asyncio.get_running_loop().time
        deadline = now() + rules.seconds
        answer = await self._load_and_post(name, call, rules)
        if await self._can_do_better(name, answer.status):
            answer.body.close()
            left = replace(rules, seconds=deadline - now())
            answer = await self._load_and_post(name, call, left)
        return answer

    async def _load_and_post(self, name: str, call: ModelCall, rules: Rules) -> Answer:
        now = asyncio.get_running_loop().time
        deadline = now() + rules.seconds
        await self._loader.until_loaded(name, rules.seconds)
        self._loader.loaded.add(name)
        left = replace(rules, seconds=deadline - now())
        return await self._post(f"/models/{name}/invoke", call, left)

    async def _can_do_better(self, name: str, status: int) -> bool:
        """404: the container has lost the model. 507: it needs room to invoke it, on a GPU."""
        if status == _NOT_LOADED:
            self._loader.loaded.discard(name)
            return True
        return status == NO_MEMORY and await self._loader.evict()

    def _after_use(self, name: str) -> None:
        """Without caching: "unloads the model and deletes it immediately after it is invoked"."""
        loaded = self._loader.loaded
        if not self._caches and name in loaded and not loaded.is_in_use(name):
            self._loader.discard(name)
