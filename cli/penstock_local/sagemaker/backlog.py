"""The queue of one asynchronous endpoint. In memory: it doesn't survive the server."""

import asyncio
from collections import deque

from penstock_local.sagemaker.invocations import AsyncInvocation


class Backlog:
    def __init__(self) -> None:
        self._waiting: deque[AsyncInvocation] = deque()
        self._available = asyncio.Semaphore(0)

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, invocation: AsyncInvocation) -> None:
        self._waiting.append(invocation)
        self._available.release()

    def put_back(self, invocation: AsyncInvocation) -> None:
        self._waiting.appendleft(invocation)
        self._available.release()

    async def take(self) -> AsyncInvocation:
        while True:
            await self._available.acquire()
            # Empty if the one that this permit stood for has expired.
            if self._waiting:
                return self._waiting.popleft()

    def remove_expired(self, now: float) -> list[AsyncInvocation]:
        expired = [waiting for waiting in self._waiting if waiting.expires <= now]
        if expired:
            self._waiting = deque(waiting for waiting in self._waiting if waiting.expires > now)
        return expired
