"""What no AWS service has: faults on order, counts, a clock to move. Paths under /_local/."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from penstock_local.sagemaker.component_hosting import ComponentHosting
from penstock_local.sagemaker.container_host import ContainerHost
from penstock_local.sagemaker.endpoint_host import EndpointHost
from penstock_local.sagemaker.faults import parse_rules
from penstock_local.sagemaker.hosting import Hosting
from penstock_local.sagemaker.instance import Instance
from penstock_local.sagemaker.limits import LimitError
from penstock_local.sagemaker.pool import Capacity
from penstock_local.sagemaker.services import Services
from penstock_local.sagemaker.transform_hosting import TransformHosting
from penstock_local.sagemaker.transform_job import TransformJob
from penstock_local.sagemaker.transform_jobs import TransformJobs


class LocalApi:
    def __init__(
        self,
        hosting: Hosting,
        components: ComponentHosting,
        jobs: TransformJobs,
        transforms: TransformHosting,
        services: Services,
    ) -> None:
        self._hosting = hosting
        self._components = components
        self._jobs = jobs
        self._transforms = transforms
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_local/health", self._health),
            web.get("/_local/stats", self._stats),
            web.get("/_local/faults", self._get_faults),
            web.put("/_local/faults", self._put_faults),
            web.delete("/_local/faults", self._delete_faults),
            web.get("/_local/limits", self._get_limits),
            web.put("/_local/limits", self._put_limits),
            web.delete("/_local/limits", self._delete_limits),
            web.post("/_local/kill", self._kill),
            web.post("/_local/clock", self._advance_clock),
        ]

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _stats(self, _: web.Request) -> web.Response:
        stats, jobs = self._services.stats, {job.name: job for job in self._jobs.all()}
        names = stats.names() | {host.endpoint.name for host in self._hosting.hosts()}
        endpoints = sorted(names - jobs.keys())
        return web.json_response(
            {
                "operations": stats.operations(),
                "errors": stats.errors(),
                "endpoints": {name: self._endpoint_stats(name) for name in endpoints},
                "transform_jobs": {name: self._job_stats(jobs[name]) for name in sorted(jobs)},
            }
        )

    def _endpoint_stats(self, name: str) -> dict[str, Any]:
        counts = self._services.stats.of(name)
        host = self._hosting.find(name)
        if host is None:
            return counts
        running = {"waiting": len(host.backlog), "in_process": host.busy}
        return {**counts, **running, "instances": _instances(self._pools(host))}

    def _job_stats(self, job: TransformJob) -> dict[str, Any]:
        instances = self._transforms.instances_of(job.name)
        running = [_container(each) for instance in instances for each in instance.containers]
        return {**self._services.stats.of(job.name), "status": job.status, "instances": running}

    def _pools(self, host: EndpointHost) -> Mapping[str, Capacity]:
        """By the name of the variant or of the inference component."""
        return {**host.pools, **self._components.pools_of(host.endpoint.name)}

    async def _get_faults(self, _: web.Request) -> web.Response:
        return web.json_response(self._services.faults.report())

    async def _put_faults(self, request: web.Request) -> web.Response:
        document = await _json(request)
        try:
            rules = parse_rules(document)
            seed = int(request.query.get("seed", "0"))
        except ValueError as error:  # FaultRuleError is one
            raise _bad_request(str(error)) from error
        self._services.faults.replace(rules, seed)
        return await self._get_faults(request)

    async def _delete_faults(self, request: web.Request) -> web.Response:
        self._services.faults.replace([])
        return await self._get_faults(request)

    async def _get_limits(self, _: web.Request) -> web.Response:
        return web.json_response(self._services.limits.report())

    async def _put_limits(self, request: web.Request) -> web.Response:
        try:
            self._services.limits.change(await _json(request))
        except LimitError as error:
            raise _bad_request(str(error)) from error
        return await self._get_limits(request)

    async def _delete_limits(self, request: web.Request) -> web.Response:
        self._services.limits.reset()
        return await self._get_limits(request)

    async def _kill(self, request: web.Request) -> web.Response:
        instances = self._instances_named(await _json(request))
        running = [item for found in instances for item in found.servers if item.pid]
        if not running:
            raise _bad_request("no such endpoint or transform job, or no model server of it runs")
        # The busiest, so that a kill costs something.
        victim = max(running, key=lambda server: server.in_flight)
        return web.json_response({"pid": victim.kill()})

    def _instances_named(self, document: Any) -> list[Instance]:
        if "transform_job" in document:
            return self._transforms.instances_of(document["transform_job"])
        host = self._hosting.find(document.get("endpoint", ""))
        pools = self._pools(host).values() if host else []
        return [instance for pool in pools for instance in pool.instances]

    async def _advance_clock(self, request: web.Request) -> web.Response:
        seconds = (await _json(request)).get("advance_seconds")
        if not isinstance(seconds, int | float) or seconds < 0:
            raise _bad_request("advance_seconds must be a number of at least 0")
        self._services.clock.advance(seconds)
        for host in self._hosting.hosts():
            await host.expire_waiting()
        return web.json_response({"now": self._services.clock.now()})


def _instances(pools: Mapping[str, Capacity]) -> list[dict[str, Any]]:
    return [
        {"variant": name, **_container(container)}
        for name, pool in pools.items()
        for instance in pool.instances
        for container in instance.containers
    ]


def _container(container: ContainerHost) -> dict[str, Any]:
    server = container.server
    return {
        "container": container.name,
        "pid": server.pid,
        "ready": server.ready,
        "restarts": server.restarts,
        "models": container.target_models(),
    }


async def _json(request: web.Request) -> Any:
    try:
        return await request.json()
    except ValueError as error:
        raise _bad_request("the body is no JSON") from error


def _bad_request(message: str) -> web.HTTPBadRequest:
    body = json.dumps({"error": message})
    return web.HTTPBadRequest(text=body, content_type="application/json")
