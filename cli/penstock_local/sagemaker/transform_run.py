"""Runs one transform job: instances, settings, files, and what came of it."""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime

import aiohttp

from penstock_local.sagemaker.blueprint import Blueprint, StartupError, prepare
from penstock_local.sagemaker.data_processing import processing
from penstock_local.sagemaker.instance import Instance
from penstock_local.sagemaker.pool import Pool, UnhealthyError
from penstock_local.sagemaker.resources import STARTUP_TIMEOUT_SECONDS
from penstock_local.sagemaker.services import Services
from penstock_local.sagemaker.transform_file import FileError, FileTransform, Plan
from penstock_local.sagemaker.transform_inputs import Source
from penstock_local.sagemaker.transform_job import TransformJob
from penstock_local.sagemaker.transform_settings import (
    TransformSettings,
    container_environment,
    execution_parameters,
    settings,
)

_log = logging.getLogger(__name__)
_HTTP_OK = 200
_EXECUTION_PARAMETERS_SECONDS = 10
_SEE_LOGS = "See job logs for more information"


class JobError(Exception):
    """The job has failed; the message is its FailureReason."""


class TransformRun:
    def __init__(self, services: Services, job: TransformJob, sources: list[Source]) -> None:
        self._services = services
        self._job = job
        self._sources = sources
        self._errors: list[FileError] = []
        self._pool: Pool | None = None
        folder = services.state_folder / "logs" / "transform-jobs"
        self._container_log = folder / f"{job.name}.log"
        self._data_log = folder / f"{job.name}.data-log"

    @property
    def instances(self) -> list[Instance]:
        return self._pool.instances if self._pool else []

    async def run(self) -> None:
        """Outputs are there as soon as their file is done. Raises JobError."""
        self._pool = Pool(await self._blueprint(), self._job.instance_count, self._services)
        try:
            await self._run(self._pool)
        finally:
            await self._pool.stop()

    async def _run(self, pool: Pool) -> None:
        await self._start(pool)
        plan = Plan(self._job, await self._settings(pool), processing(self._job.request))
        count = len(pool.instances)
        async with asyncio.TaskGroup() as shares:
            for number, instance in enumerate(pool.instances):
                # Objects go to instances by their keys; none is shared between two.
                shares.create_task(self._share(plan, instance, self._sources[number::count]))
        if self._errors:
            raise self._failed(f"{self._errors[0].kind}: {_SEE_LOGS}")

    async def _start(self, pool: Pool) -> None:
        seconds = min(STARTUP_TIMEOUT_SECONDS, self._services.maximum_startup_seconds)
        try:
            await pool.start(seconds)
        except UnhealthyError as error:
            reason = "AlgorithmError: Model container failed to respond to ping"
            raise self._failed(reason) from error

    async def _blueprint(self) -> Blueprint:
        request = self._job.request
        environment = {**(request.get("Environment") or {}), **container_environment(request)}
        try:
            return await prepare(self._services, self._job.model, self._container_log, environment)
        except StartupError as error:
            raise self._failed(f"ClientError: {error}") from error

    async def _settings(self, pool: Pool) -> TransformSettings:
        found = settings(self._job.request, await self._execution_parameters(pool))
        self._note(str(found))
        if found.is_too_much:
            raise self._failed(
                f"ClientError: MaxConcurrentTransforms * MaxPayloadInMB exceeds 100 MB ({found})"
            )
        return found

    async def _execution_parameters(self, pool: Pool) -> dict[str, object]:
        """Of the first container; it need not have any."""
        url = f"{pool.instances[0].servers[0].url}/execution-parameters"
        timeout = aiohttp.ClientTimeout(total=_EXECUTION_PARAMETERS_SECONDS)
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with self._services.session.get(url, timeout=timeout) as answer:
                body = await answer.read()
                return execution_parameters(body) if answer.status == _HTTP_OK else {}
        return {}

    async def _share(self, plan: Plan, instance: Instance, sources: list[Source]) -> None:
        """The files of one instance, as many at a time as it takes requests."""
        concurrent = plan.settings.max_concurrent
        files = FileTransform(self._services, plan, instance, asyncio.Semaphore(concurrent))
        waiting = iter(sources)

        async def work() -> None:
            for source in waiting:
                if self._broke_down():
                    return
                await self._file(files, source)

        async with asyncio.TaskGroup() as workers:
            for _ in range(concurrent):
                workers.create_task(work())

    def _broke_down(self) -> bool:
        """Whether model servers have died too often: no further file is begun then."""
        servers = (server for instance in self.instances for server in instance.servers)
        deaths = sum(server.restarts + (not server.ready) for server in servers)
        return bool(self._errors) and deaths > self._services.limits.now.transform_restarts

    async def _file(self, files: FileTransform, source: Source) -> None:
        """A file that can't be processed costs the job its success, but no other file."""
        try:
            await files.run(source)
        except FileError as error:
            self._errors.append(error)
            for line in f"{error.kind}: {error.text}".splitlines():
                self._note(f"{source.label}: {line}")

    def _note(self, text: str) -> None:
        """Into the log that the service calls `data-log`, in its form."""
        now = datetime.fromtimestamp(self._services.clock.now(), UTC)
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        with self._data_log.open("a") as log:
            log.write(f"{stamp}:[sagemaker logs]: {text}\n")

    def _failed(self, reason: str) -> JobError:
        return JobError(f"{reason} (Local logs: {self._data_log}, {self._container_log})")
