"""Moves endpoints through their states and keeps what serves them."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from penstock_local.sagemaker.backlog import Backlog
from penstock_local.sagemaker.blueprint import StartupError
from penstock_local.sagemaker.endpoint_host import EndpointHost
from penstock_local.sagemaker.registry import Registry
from penstock_local.sagemaker.resources import Endpoint
from penstock_local.sagemaker.services import Services

_log = logging.getLogger(__name__)


class Hosting:
    def __init__(self, registry: Registry, services: Services) -> None:
        self._registry = registry
        self._services = services
        self._hosts: dict[str, EndpointHost] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def find(self, name: str) -> EndpointHost | None:
        return self._hosts.get(name)

    def hosts(self) -> list[EndpointHost]:
        return list(self._hosts.values())

    def create(self, endpoint: Endpoint) -> None:
        host = EndpointHost(endpoint, self._services, Backlog())
        self._hosts[endpoint.name] = host
        self._run(endpoint.name, self._bring_up(host))

    def update(self, endpoint: Endpoint) -> None:
        self._run(endpoint.name, self._replace(endpoint))

    def delete(self, endpoint: Endpoint) -> None:
        self._run(endpoint.name, self._take_down(endpoint))

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for host in self._hosts.values():
            _report_lost(host)
        await asyncio.gather(*(host.stop() for host in self._hosts.values()))

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        before = self._tasks.get(name)
        if before:
            before.cancel()
        task = asyncio.create_task(_after(before, work))
        task.add_done_callback(_log_crash)
        self._tasks[name] = task

    async def _bring_up(self, host: EndpointHost) -> None:
        try:
            await host.start()
        except StartupError as error:
            self._move(host.endpoint, "Failed", str(error))
            await host.stop()
        else:
            self._move(host.endpoint, "InService")

    async def _replace(self, endpoint: Endpoint) -> None:
        """`endpoint` holds the new configuration; the old one serves meanwhile."""
        old = self._hosts[endpoint.name]
        new = EndpointHost(endpoint, self._services, old.backlog)
        try:
            await new.start()
        except StartupError as error:
            self._move(old.endpoint, "InService", str(error))
            await new.stop()
        except asyncio.CancelledError:
            await new.stop()
            raise
        else:
            self._hosts[endpoint.name] = new
            self._move(endpoint, "InService")
            await old.drain()
            await old.stop()

    async def _take_down(self, endpoint: Endpoint) -> None:
        if host := self._hosts.pop(endpoint.name, None):
            _report_lost(host)
            await host.stop()
        self._registry.drop_endpoint(endpoint.name)

    def _move(self, endpoint: Endpoint, status: str, reason: str | None = None) -> None:
        self._registry.put_endpoint(endpoint.moved_to(status, self._services.clock.now(), reason))
        _log.info("endpoint %s is %s%s", endpoint.name, status, f": {reason}" if reason else "")


async def _after(before: asyncio.Task[None] | None, work: Coroutine[Any, Any, None]) -> None:
    """Runs the work when the endpoint's earlier work, already cancelled, has come to its end."""
    try:
        if before:
            await asyncio.gather(before, return_exceptions=True)
    except asyncio.CancelledError:
        work.close()
        raise
    await work


def _log_crash(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _log.error("hosting went wrong", exc_info=error)


def _report_lost(host: EndpointHost) -> None:
    if lost := len(host.backlog) + host.busy:
        _log.warning("%s requests to %s are dropped unanswered", lost, host.endpoint.name)
