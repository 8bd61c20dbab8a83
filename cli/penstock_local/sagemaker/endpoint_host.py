"""The running side of one endpoint: its model servers, its queue, its workers."""

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from penstock_local.sagemaker.async_worker import AsyncWorker, cancel_all
from penstock_local.sagemaker.aws import AwsError
from penstock_local.sagemaker.backlog import Backlog
from penstock_local.sagemaker.invocations import AsyncInvocation
from penstock_local.sagemaker.model_server import ModelServer
from penstock_local.sagemaker.process import Launch
from penstock_local.sagemaker.resources import Endpoint, Model, file_path
from penstock_local.sagemaker.services import Services

_log = logging.getLogger(__name__)
_EXPIRY_POLL_SECONDS = 1.0
_START_POLL_SECONDS = 0.05


class StartupError(Exception):
    """The endpoint can't come into service; the message is its FailureReason."""


class EndpointHost:
    def __init__(self, endpoint: Endpoint, services: Services, backlog: Backlog) -> None:
        self.endpoint = endpoint
        self.backlog = backlog
        self.servers: list[ModelServer] = []
        self._services = services
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._draining = False
        settings = endpoint.config.asynchronous
        self._worker = AsyncWorker(services, settings) if settings else None

    @property
    def busy(self) -> int:
        return len(self._busy)

    @property
    def log_file(self) -> Path:
        return self._services.state_folder / "logs" / f"{self.endpoint.name}.log"

    async def start(self) -> None:
        """Returns when every model server has answered /ping. Raises StartupError."""
        launch = await self._launch()
        count = self.endpoint.config.variant["InitialInstanceCount"]
        self.servers = [ModelServer(launch, self._services.supervision) for _ in range(count)]
        for server in self.servers:
            server.start()
        await self._until_ready()
        if settings := self.endpoint.config.asynchronous:
            self._start_workers(settings.max_concurrent)

    async def _until_ready(self) -> None:
        clock = self._services.clock
        allowed = min(self.endpoint.config.startup_timeout, self._services.maximum_startup_seconds)
        deadline = clock.now() + allowed
        while not all(server.ready for server in self.servers):
            if clock.now() >= deadline:
                raise StartupError(self._unhealthy_reason())
            await asyncio.sleep(_START_POLL_SECONDS)

    def _unhealthy_reason(self) -> str:
        variant = self.endpoint.config.variant["VariantName"]
        return (
            f"The primary container for production variant {variant} did not pass the ping health "
            f"check. Please check CloudWatch logs for this endpoint. (Local logs: {self.log_file})"
        )

    async def _launch(self) -> Launch:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        model = self.endpoint.model
        return Launch(
            image_folder=model.image_folder,
            environment=model.environment,
            model_folder=await self._model_folder(model),
            region=self._services.region,
            log_file=self.log_file,
        )

    async def _model_folder(self, model: Model) -> Path | None:
        if model.data_url is None or model.data_url.startswith("file:"):
            return file_path(model.data_url) if model.data_url else None
        folder = self._services.state_folder / "models" / f"{model.name}-{model.created:.3f}"
        try:
            await self._services.aws.fetch_model(model.data_url, folder)
        except AwsError as error:
            raise StartupError(
                f"Could not download the model data from {model.data_url}: {error}"
            ) from error
        return folder

    def _start_workers(self, per_instance: int) -> None:
        # Round after round, so that the first requests spread over all instances.
        for _ in range(per_instance):
            for server in self.servers:
                self._tasks.add(asyncio.create_task(self._work(server)))
        self._tasks.add(asyncio.create_task(self._expire_waiting()))

    async def _work(self, server: ModelServer) -> None:
        while not self._draining:
            await server.until_ready()
            invocation = await self.backlog.take()
            if server.ready:
                await self._process(invocation, server)
            else:
                self.backlog.put_back(invocation)

    async def _process(self, invocation: AsyncInvocation, server: ModelServer) -> None:
        task = asyncio.current_task()
        assert task and self._worker  # noqa: S101, PT018 - workers are the tasks of async endpoints
        self._busy.add(task)
        try:
            if not await _succeeds(self._worker.process(invocation, server)):
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

    def least_busy(self) -> ModelServer | None:
        ready = [server for server in self.servers if server.ready]
        return min(ready, key=lambda server: server.in_flight, default=None)

    async def drain(self) -> None:
        """Takes nothing more from the queue; returns when what runs has ended."""
        self._draining = True
        await cancel_all(self._tasks - self._busy)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        await cancel_all(self._tasks)
        await asyncio.gather(*(server.stop() for server in self.servers))


async def _succeeds(work: Coroutine[Any, Any, None]) -> bool:
    try:
        await work
    # Whatever it is: a worker that ended here would silently cost the endpoint its capacity.
    except Exception:  # noqa: BLE001
        _log.exception("an invocation went wrong in the local SageMaker itself")
        return False
    return True
