"""What the operations of the control plane have in common."""

from collections.abc import Awaitable, Callable
from typing import Any

Document = dict[str, Any]
Operation = Callable[[Document], Document | Awaitable[Document]]
