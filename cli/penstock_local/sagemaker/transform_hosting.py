"""Moves transform jobs through their states, and tells the event bus of each."""

import asyncio
import logging
import uuid
from collections.abc import Coroutine
from typing import Any

from penstock_local.sagemaker.faults import EVENT_FAULTS
from penstock_local.sagemaker.instance import Instance
from penstock_local.sagemaker.publisher import Message
from penstock_local.sagemaker.services import Services
from penstock_local.sagemaker.transform_events import event
from penstock_local.sagemaker.transform_inputs import Source
from penstock_local.sagemaker.transform_job import (
    COMPLETED,
    FAILED,
    IN_PROGRESS,
    STOPPED,
    TransformJob,
)
from penstock_local.sagemaker.transform_jobs import TransformJobs
from penstock_local.sagemaker.transform_run import JobError, TransformRun

_log = logging.getLogger(__name__)
_INTERNAL = "InternalServerError: We encountered an internal error. Please try again."


class TransformHosting:
    def __init__(self, jobs: TransformJobs, services: Services) -> None:
        self._jobs = jobs
        self._services = services
        self._running: dict[str, asyncio.Task[None]] = {}
        self._runs: dict[str, TransformRun] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._turns: dict[str, asyncio.Lock] = {}

    def load(self) -> None:
        for job in self._jobs.load(self._services.clock.now()):
            self._announce(job)

    def create(self, job: TransformJob, sources: list[Source]) -> None:
        self._put(job)
        task = asyncio.create_task(self._run(job, sources))
        self._running[job.name] = task
        task.add_done_callback(lambda _: self._running.pop(job.name, None))

    def instances_of(self, name: str) -> list[Instance]:
        """None of a job that doesn't run, or not yet."""
        return self._runs[name].instances if name in self._runs else []

    def stop(self, job: TransformJob) -> None:
        self._put(job.stopping(self._services.clock.now()))
        self._spawn(self._stop(job.name))

    async def close(self) -> None:
        tasks = [*self._running.values(), *self._background]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: TransformJob, sources: list[Source]) -> None:
        begun = self._jobs.put(job.begun(self._services.clock.now()))
        status, reason = await self._outcome(begun, sources)
        if self._jobs.get(job.name).status == IN_PROGRESS:  # else it is about to be stopped
            self._end(begun, status, reason)

    async def _outcome(self, job: TransformJob, sources: list[Source]) -> tuple[str, str | None]:
        run = self._runs[job.name] = TransformRun(self._services, job, sources)
        try:
            await run.run()
        except JobError as error:
            return FAILED, str(error)
        except Exception:  # noqa: BLE001 - whatever it is, a job must end
            _log.exception("transform job %s went wrong in the local SageMaker itself", job.name)
            return FAILED, _INTERNAL
        finally:
            del self._runs[job.name]
        return COMPLETED, None

    async def _stop(self, name: str) -> None:
        if task := self._running.get(name):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._end(self._jobs.get(name), STOPPED)

    def _end(self, job: TransformJob, status: str, reason: str | None = None) -> None:
        self._put(job.over(status, self._services.clock.now(), reason))

    def _put(self, job: TransformJob) -> None:
        self._jobs.put(job)
        _log.info("transform job %s is %s %s", job.name, job.status, job.failure_reason or "")
        self._announce(job)

    def _announce(self, job: TransformJob) -> None:
        """One event for each change, or what the faults make of it."""
        now, region = self._services.clock.now(), self._services.region

        async def send() -> None:
            document = event(job, str(uuid.uuid4()), region, now)
            await self._services.aws.put_on_bus(document)

        self._spawn(self._publish(Message(job.name, send, EVENT_FAULTS)))

    async def _publish(self, message: Message) -> None:
        """In the order of the changes, as far as no fault says otherwise."""
        async with self._turns.setdefault(message.subject, asyncio.Lock()):
            await self._services.publisher.publish(message)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
