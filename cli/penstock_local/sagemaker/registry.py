"""The resources by name, with the service's errors for what exists and what doesn't."""

from collections.abc import Iterable
from typing import TypeVar

from penstock_local.sagemaker.errors import ApiError, validation_exception
from penstock_local.sagemaker.resources import Endpoint, EndpointConfig, Model, after_restart, arn
from penstock_local.sagemaker.storage import Storage

_WORDS = {"model": "model", "endpoint-config": "endpoint configuration", "endpoint": "endpoint"}
_Resource = TypeVar("_Resource", Model, EndpointConfig, Endpoint)


class Registry:
    def __init__(self, storage: Storage, region: str) -> None:
        self._storage = storage
        self._region = region
        self._models: dict[str, Model] = {}
        self._configs: dict[str, EndpointConfig] = {}
        self._endpoints: dict[str, Endpoint] = {}

    def load(self, now: float) -> list[Endpoint]:
        """Reads the stored state; returns the endpoints whose model servers have to start."""
        models, configs, endpoints = self._storage.load()
        kept = [found for item in endpoints if (found := after_restart(item, now))]
        self._models = _by_name(models)
        self._configs = _by_name(configs)
        self._endpoints = _by_name(kept)
        self._save()
        return [endpoint for endpoint in kept if endpoint.status == "Creating"]

    def models(self) -> list[Model]:
        return list(self._models.values())

    def configs(self) -> list[EndpointConfig]:
        return list(self._configs.values())

    def endpoints(self) -> list[Endpoint]:
        return list(self._endpoints.values())

    def model(self, name: str) -> Model:
        return self._get(self._models, "model", name)

    def config(self, name: str) -> EndpointConfig:
        return self._get(self._configs, "endpoint-config", name)

    def endpoint(self, name: str) -> Endpoint:
        return self._get(self._endpoints, "endpoint", name)

    def find_endpoint(self, name: str) -> Endpoint | None:
        return self._endpoints.get(name)

    def add_model(self, model: Model) -> str:
        return self._add(self._models, "model", model)

    def add_config(self, config: EndpointConfig) -> str:
        return self._add(self._configs, "endpoint-config", config)

    def add_endpoint(self, endpoint: Endpoint) -> str:
        return self._add(self._endpoints, "endpoint", endpoint)

    def remove_model(self, name: str) -> None:
        self.model(name)
        del self._models[name]
        self._save()

    def remove_config(self, name: str) -> None:
        self.config(name)
        del self._configs[name]
        self._save()

    def put_endpoint(self, endpoint: Endpoint) -> None:
        self._endpoints[endpoint.name] = endpoint
        self._save()

    def drop_endpoint(self, name: str) -> None:
        self._endpoints.pop(name, None)
        self._save()

    def _get(self, kind_of: dict[str, _Resource], kind: str, name: str) -> _Resource:
        if name not in kind_of:
            where = arn(self._region, kind, name)
            raise validation_exception(f'Could not find {_WORDS[kind]} "{where}".')
        return kind_of[name]

    def _add(self, kind_of: dict[str, _Resource], kind: str, resource: _Resource) -> str:
        where = arn(self._region, kind, resource.name)
        if resource.name in kind_of:
            raise _exists(kind, where)
        kind_of[resource.name] = resource
        self._save()
        return where

    def _save(self) -> None:
        self._storage.save(self.models(), self.configs(), self.endpoints())


def _exists(kind: str, where: str) -> ApiError:
    return validation_exception(f'Cannot create already existing {_WORDS[kind]} "{where}".')


def _by_name(resources: Iterable[_Resource]) -> dict[str, _Resource]:
    return {resource.name: resource for resource in resources}
