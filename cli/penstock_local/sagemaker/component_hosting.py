"""Starts and stops inference components, and finds the one that a request is for."""

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from penstock_local.sagemaker.blueprint import StartupError, prepare
from penstock_local.sagemaker.components import Component
from penstock_local.sagemaker.errors import validation_error
from penstock_local.sagemaker.pool import Pool, UnhealthyError
from penstock_local.sagemaker.registry import Registry
from penstock_local.sagemaker.resources import Endpoint
from penstock_local.sagemaker.routes import Route
from penstock_local.sagemaker.services import Services

_log = logging.getLogger(__name__)
# As components that are scaled to zero answer: <https://aws.amazon.com/blogs/machine-learning/
# unlock-cost-savings-with-the-new-scale-down-to-zero-feature-in-amazon-sagemaker-inference/>
_NO_CAPACITY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be "
    "in-progress (if configured) or try to increase the capacity by invoking "
    "UpdateInferenceComponentRuntimeConfig API."
)


class ComponentHosting:
    def __init__(self, registry: Registry, services: Services) -> None:
        self._registry = registry
        self._services = services
        self._pools: dict[str, Pool] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def create(self, component: Component) -> None:
        self._run(component.name, self._bring_up(component))

    def delete(self, component: Component) -> None:
        self._run(component.name, self._take_down(component))

    def pools_of(self, endpoint_name: str) -> dict[str, Pool]:
        """By the name of the component."""
        names = [item.name for item in self._registry.components_of(endpoint_name)]
        return {name: self._pools[name] for name in names if name in self._pools}

    def route(self, endpoint: Endpoint, name: str) -> Route:
        """Raises ApiError. That of a component that isn't there is in words of ours."""
        component = self._registry.find_component(name)
        if not component or component.endpoint_name != endpoint.name:
            raise validation_error(
                f"Inference Component {name} does not exist in endpoint {endpoint.name}."
            )
        pool = self._pools.get(name)
        if component.status != "InService" or not pool or not pool.instances:
            raise validation_error(_NO_CAPACITY)
        variant, model = component.variant_name, component.model
        return Route(endpoint, variant, model, pool, self._log_file(component))

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await asyncio.gather(*(pool.stop() for pool in self._pools.values()))

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks[name] = task = asyncio.create_task(work)
        task.add_done_callback(_log_crash)

    async def _bring_up(self, component: Component) -> None:
        try:
            await self._start(component)
        except StartupError as error:
            self._move(component, "Failed", str(error))
        else:
            self._move(component, "InService")

    async def _start(self, component: Component) -> None:
        """Raises StartupError."""
        blueprint = await prepare(self._services, component.model, self._log_file(component))
        pool = Pool(blueprint, component.copies, self._services)
        self._pools[component.name] = pool
        seconds = min(component.startup_timeout, self._services.maximum_startup_seconds)
        try:
            await pool.start(seconds)
        except UnhealthyError as error:
            await self._pools.pop(component.name).stop()
            raise StartupError(
                f"The {error.container} container for inference component {component.name} did "
                "not pass the ping health check. Please check CloudWatch logs for this endpoint. "
                f"(Local logs: {self._log_file(component)})"
            ) from error

    async def _take_down(self, component: Component) -> None:
        if pool := self._pools.pop(component.name, None):
            await pool.stop()
        self._registry.drop_component(component.name)

    def _move(self, component: Component, status: str, reason: str | None = None) -> None:
        moved = component.moved_to(status, self._services.clock.now(), reason)
        self._registry.put_component(moved)
        _log.info("inference component %s is %s", component.name, status)

    def _log_file(self, component: Component) -> Path:
        return self._services.state_folder / "logs" / f"{component.endpoint_name}.log"


def _log_crash(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _log.error("hosting of a component went wrong", exc_info=error)
