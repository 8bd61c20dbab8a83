"""The /models API of a multi-model container: guide, `mms-container-apis`."""

import json
from typing import Any

import aiohttp

_OK = 200
# None of these calls has a documented limit but that of loading, which the caller keeps.
_CONTROL_SECONDS = 60
TARGET_MODEL_HEADER = "X-Amzn-SageMaker-Target-Model"


class ModelsApi:
    """Raises aiohttp.ClientError and OSError where the container can't be reached."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def load(self, name: str, folder: str, target_model: str) -> tuple[int, str]:
        """The status and the text of the answer."""
        body = json.dumps({"model_name": name, "url": folder}).encode()
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            TARGET_MODEL_HEADER: target_model,
        }
        timeout = aiohttp.ClientTimeout(total=None)
        url = f"{self._url}/models"
        async with self._session.post(url, data=body, headers=headers, timeout=timeout) as answer:
            return answer.status, await answer.text(errors="replace")

    async def unload(self, name: str) -> None:
        """404, not loaded, is as good as unloaded."""
        timeout = aiohttp.ClientTimeout(total=_CONTROL_SECONDS)
        async with self._session.delete(f"{self._url}/models/{name}", timeout=timeout) as answer:
            await answer.read()

    async def names(self) -> list[str]:
        """The models that the container says it holds; none if it doesn't answer as it should."""
        found: list[str] = []
        token: str | None = None
        while page := await self._page(token):
            found += [item["modelName"] for item in page.get("models", []) if "modelName" in item]
            token = page.get("nextPageToken")
            if not token:
                break
        return found

    async def _page(self, token: str | None) -> dict[str, Any]:
        parameters = {"next_page_token": token} if token else {}
        headers = {"Accept": "application/json"}
        timeout = aiohttp.ClientTimeout(total=_CONTROL_SECONDS)
        url = f"{self._url}/models"
        async with self._session.get(
            url, params=parameters, headers=headers, timeout=timeout
        ) as answer:
            text = await answer.text(errors="replace")
        try:
            page = json.loads(text) if answer.status == _OK else {}
        except ValueError:
            page = {}
        return page if isinstance(page, dict) else {}
