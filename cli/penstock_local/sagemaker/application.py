"""Puts the parts together and runs them until a signal comes."""

import asyncio
import logging
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from penstock_local.sagemaker.aws import Aws
from penstock_local.sagemaker.blueprint import models_folder
from penstock_local.sagemaker.clock import Clock
from penstock_local.sagemaker.component_hosting import ComponentHosting
from penstock_local.sagemaker.component_operations import ComponentOperations
from penstock_local.sagemaker.control_api import ControlApi
from penstock_local.sagemaker.control_operations import ControlOperations
from penstock_local.sagemaker.faults import FaultBook
from penstock_local.sagemaker.hosting import Hosting
from penstock_local.sagemaker.lifeline import Lifeline
from penstock_local.sagemaker.limits import LimitBook
from penstock_local.sagemaker.local_api import LocalApi
from penstock_local.sagemaker.model_server import Supervision
from penstock_local.sagemaker.operations import Operation
from penstock_local.sagemaker.publisher import Publisher
from penstock_local.sagemaker.registry import Registry
from penstock_local.sagemaker.runtime_api import RuntimeApi
from penstock_local.sagemaker.services import Services
from penstock_local.sagemaker.settings import Settings
from penstock_local.sagemaker.stats import Stats
from penstock_local.sagemaker.storage import Storage, lock
from penstock_local.sagemaker.transform_hosting import TransformHosting
from penstock_local.sagemaker.transform_jobs import TransformJobs
from penstock_local.sagemaker.transform_operations import TransformOperations

_log = logging.getLogger(__name__)
_HOST = "127.0.0.1"
# Above every limit of the API, so that a payload that is too large gets the API's own error.
_MAXIMUM_REQUEST_BYTES = 64 * 1024 * 1024
_MAXIMUM_MODEL_HEADER_BYTES = 64 * 1024


async def serve(settings: Settings) -> None:
    """Returns after SIGTERM or SIGINT. Raises BlockingIOError if the state folder is in use."""
    settings.state_folder.mkdir(parents=True, exist_ok=True)
    lock_descriptor = lock(settings.state_folder)
    stopped = _signalled()
    try:
        async with _services(settings) as services:
            await _run(settings, services, stopped)
    finally:
        os.close(lock_descriptor)


async def _run(settings: Settings, services: Services, stopped: asyncio.Event) -> None:
    # Of a server that was killed; endpoints download their model data again.
    shutil.rmtree(models_folder(services), ignore_errors=True)
    registry = Registry(Storage(settings.state_folder), settings.region)
    hosting = Hosting(registry, services)
    components = ComponentHosting(registry, services)
    jobs = TransformJobs(settings.state_folder, settings.region)
    transforms = TransformHosting(jobs, services)
    parts = Parts(registry, hosting, components, jobs, transforms, services)
    runner = web.AppRunner(_application(parts), access_log=None)
    await runner.setup()
    try:
        registry.load(services.clock.now())
        parts.start()
        site = web.TCPSite(runner, _HOST, settings.port, shutdown_timeout=1.0)
        await site.start()
        _announce(runner, settings.port_file)
        await stopped.wait()
    finally:
        await parts.close()
        await runner.cleanup()


@dataclass(frozen=True)
class Parts:
    """What the APIs work on."""

    registry: Registry
    hosting: Hosting
    components: ComponentHosting
    jobs: TransformJobs
    transforms: TransformHosting
    services: Services

    def start(self) -> None:
        """Whatever was there before a restart."""
        for endpoint in self.registry.endpoints():
            if endpoint.status == "Creating":
                self.hosting.create(endpoint)
        for component in self.registry.components():
            if component.status == "Creating":
                self.components.create(component)
        self.transforms.load()

    async def close(self) -> None:
        await asyncio.gather(self.hosting.close(), self.components.close(), self.transforms.close())

    def local_api(self) -> LocalApi:
        return LocalApi(self.hosting, self.components, self.jobs, self.transforms, self.services)

    def operations(self) -> dict[str, Operation]:
        return {
            **ControlOperations(self.registry, self.hosting, self.services).table(),
            **ComponentOperations(self.registry, self.components, self.services).table(),
            **TransformOperations(self.registry, self.jobs, self.transforms, self.services).table(),
        }


def _application(parts: Parts) -> web.Application:
    control = ControlApi(parts.operations(), parts.services)
    runtime = RuntimeApi(parts.registry, parts.hosting, parts.components, parts.services)
    application = web.Application(client_max_size=_MAXIMUM_REQUEST_BYTES)
    application.add_routes(
        [
            web.post("/", control.handle),
            web.post("/endpoints/{name}/async-invocations", runtime.invoke_async),
            web.post("/endpoints/{name}/invocations", runtime.invoke),
            web.post("/endpoints/{name}/invocations-response-stream", runtime.invoke_stream),
            *parts.local_api().routes(),
        ]
    )
    return application


@asynccontextmanager
async def _services(settings: Settings) -> AsyncIterator[Services]:
    aws = Aws(settings.aws_endpoint_url, settings.region)
    stats, faults, lifeline = Stats(), FaultBook(), Lifeline()
    publisher = Publisher(faults, stats)
    try:
        async with _model_session() as session:
            supervision = Supervision(
                session, lifeline, settings.ping_seconds, settings.stop_seconds
            )
            yield Services(
                region=settings.region,
                seed=settings.seed,
                state_folder=settings.state_folder,
                maximum_startup_seconds=settings.startup_seconds,
                session=session,
                aws=aws,
                clock=Clock(),
                faults=faults,
                limits=LimitBook(settings.limits),
                publisher=publisher,
                stats=stats,
                supervision=supervision,
            )
    finally:
        await publisher.close()
        aws.close()
        lifeline.close()


def _model_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        # A connection for each request: a kept one may be closed by the model server at the very
        # moment of its reuse, and the request would fail for no fault of the model.
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        auto_decompress=False,
        trust_env=False,
        max_line_size=_MAXIMUM_MODEL_HEADER_BYTES,
        max_field_size=_MAXIMUM_MODEL_HEADER_BYTES,
    )


def _announce(runner: web.AppRunner, port_file: Path | None) -> None:
    host, port = runner.addresses[0][:2]
    _log.info("listening on http://%s:%s", host, port)
    if port_file:
        beside = port_file.with_name(f"{port_file.name}.new")
        beside.write_text(f"{host}:{port}")
        beside.replace(port_file)


def _signalled() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped
