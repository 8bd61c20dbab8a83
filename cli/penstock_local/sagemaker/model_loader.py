"""Loads the models of a multi-model container when they are asked for, unloads the unused.

Guide: `multi-model-endpoints`, `invoke-multi-model-endpoint`, `multi-model-caching`.
"""

import asyncio
import hashlib
import logging
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from penstock_local.sagemaker.aws import AwsError
from penstock_local.sagemaker.errors import ApiError, model_not_ready, validation_error
from penstock_local.sagemaker.loaded_models import LoadedModels
from penstock_local.sagemaker.locations import parse
from penstock_local.sagemaker.model_client import ModelUnreachableError
from penstock_local.sagemaker.model_server import ModelServer
from penstock_local.sagemaker.models_api import ModelsApi
from penstock_local.sagemaker.resources import Container
from penstock_local.sagemaker.services import Services

_log = logging.getLogger(__name__)
_SUCCESSES = range(200, 300)
_ALREADY_LOADED = 409
NO_MEMORY = 507
_Result = TypeVar("_Result")


class ModelLoadError(Exception):
    """The container refused to load the model: status and text of its answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text


class ModelLoader:
    """`storage` is the instance's volume: an unloaded model stays there."""

    def __init__(
        self, container: Container, server: ModelServer, storage: Path, services: Services
    ) -> None:
        self.loaded = LoadedModels()
        self._container = container
        self._server = server
        self._storage = storage
        self._services = services
        self._targets: dict[str, str] = {}
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._unloading: dict[str, asyncio.Task[None]] = {}
        self._process: int | None = None

    def name_of(self, target_model: str) -> str:
        """Opaque as the service's: "not necessarily the value of the TargetModel parameter"."""
        name = hashlib.sha256(self._url_of(target_model).encode()).hexdigest()[:32]
        self._targets[name] = target_model
        return name

    def is_loading(self, name: str) -> bool:
        return name in self._loading

    def target_models(self) -> list[str]:
        """Those that are loaded, the least recently used first."""
        return [self._targets.get(name, name) for name in self.loaded]

    async def until_loaded(self, name: str, seconds: float) -> None:
        """Loading goes on when the time is over.

        Raises ApiError for a model that is missing or not ready in time, ModelLoadError and
        ModelCallError.
        """
        await self._notice_restart()
        if name in self.loaded:
            return
        task = self._loading.get(name) or self._start_loading(name)
        done, _ = await asyncio.wait({task}, timeout=max(0.0, seconds))
        if not done or task.cancelled():
            raise self._not_ready(name)
        try:
            task.result()
        except TimeoutError as error:
            raise self._not_ready(name) from error

    async def evict(self) -> bool:
        """Unloads the least recently used model. Whether there was one that nobody uses."""
        victim = self.loaded.take_victim()
        if victim is None:
            return False
        await self._unload(victim)
        return True

    def discard(self, name: str) -> None:
        """Unloads the model in the background and deletes it from the volume."""
        self.loaded.discard(name)
        task = asyncio.create_task(self._discard(name))
        self._unloading[name] = task
        task.add_done_callback(lambda done: self._ended(self._unloading, name, done))

    async def stop(self) -> None:
        tasks = [*self._loading.values(), *self._unloading.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _url_of(self, target_model: str) -> str:
        prefix = (self._container.data_url or "").rstrip("/")
        return f"{prefix}/{target_model.lstrip('/')}"

    def _not_ready(self, name: str) -> ApiError:
        return model_not_ready(
            f"Model {self._targets[name]} is not ready for inference yet. "
            "Wait and try your request again."
        )

    async def _notice_restart(self) -> None:
        """A new process holds other models, if any."""
        if self._server.pid == self._process:
            return
        self._process = self._server.pid
        self.loaded.clear()
        for name in await self._reached(self._api.names()):
            self.loaded.add(name)

    @property
    def _api(self) -> ModelsApi:
        return ModelsApi(self._services.session, self._server.url)

    async def _reached(self, call: Coroutine[Any, Any, _Result]) -> _Result:
        try:
            return await call
        except (aiohttp.ClientError, OSError) as error:
            raise ModelUnreachableError(self._container.name, str(error)) from error

    def _start_loading(self, name: str) -> asyncio.Task[None]:
        seconds = self._services.limits.now.model_load_seconds
        task = asyncio.create_task(self._load_within(name, seconds))
        self._loading[name] = task
        task.add_done_callback(lambda done: self._ended(self._loading, name, done))
        return task

    def _ended(
        self, tasks: dict[str, asyncio.Task[None]], name: str, task: asyncio.Task[None]
    ) -> None:
        if tasks.get(name) is task:
            del tasks[name]
        if not task.cancelled() and (error := task.exception()):
            _log.info("model %s: %r", self._targets.get(name, name), error)

    async def _load_within(self, name: str, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            await self._load(name)

    async def _load(self, name: str) -> None:
        if unloading := self._unloading.get(name):
            await asyncio.gather(unloading, return_exceptions=True)
        folder = str(await self._download(name))
        target = self._targets[name]
        status, text = await self._reached(self._api.load(name, folder, target))
        while status == NO_MEMORY and await self.evict():
            status, text = await self._reached(self._api.load(name, folder, target))
        if status not in _SUCCESSES and status != _ALREADY_LOADED:
            raise ModelLoadError(status, text)
        self.loaded.add(name)

    async def _download(self, name: str) -> Path:
        """Once, as long as the model stays on the volume. Raises ApiError."""
        folder = self._storage / name / "model"
        if folder.exists():
            return folder
        url = self._url_of(self._targets[name])
        try:
            await self._services.aws.fetch_model(url, folder)
        except AwsError as error:
            raise validation_error(_download_failed(url, str(error))) from error
        return folder

    async def _unload(self, name: str) -> None:
        await self._reached(self._api.unload(name))

    async def _discard(self, name: str) -> None:
        await self._unload(name)
        shutil.rmtree(self._storage / name, ignore_errors=True)


def _download_failed(url: str, cause: str) -> str:
    location = parse(url)
    return (
        f"Failed to download model data (bucket: {location.bucket}, key: {location.key}). Please "
        "ensure that there is an object located at the URL and that the role passed to CreateModel "
        f"has permissions to download the model. (Local cause: {cause})"
    )
