"""Endpoints that are known of."""

from dataclasses import dataclass, field

from penstock.domain.choice import Kind
from penstock.domain.errors import PermanentError


@dataclass(slots=True)
class FakeEndpoints:
    """Endpoints. There are those of `kinds`, and no others."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def kind_of(self, name: str) -> Kind:
        self.asked.append(name)
        if name not in self.kinds:
            raise PermanentError("NoSuchEndpoint", f"there is no endpoint {name}")
        return self.kinds[name]
