"""Carries one input object of a transform job through the model to its output object."""

import asyncio
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from penstock_local.sagemaker.aws import AwsError
from penstock_local.sagemaker.data_processing import Processing, RecordError
from penstock_local.sagemaker.injection import call_model
from penstock_local.sagemaker.instance import Instance
from penstock_local.sagemaker.model_client import (
    Answer,
    ModelCall,
    ModelCallError,
    Rules,
    Spool,
    new_spool,
)
from penstock_local.sagemaker.outcomes import is_success
from penstock_local.sagemaker.services import Services
from penstock_local.sagemaker.transform_inputs import Source
from penstock_local.sagemaker.transform_job import TransformJob
from penstock_local.sagemaker.transform_records import (
    Batch,
    TooLargeError,
    batches,
    lines,
    whole,
)
from penstock_local.sagemaker.transform_settings import TransformSettings

# Nothing is documented about the size of a container's answer: that of asynchronous inference.
_MAXIMUM_ANSWER_BYTES = 1024**3
_CLIENT_ERRORS = range(400, 500)
_TOO_MANY = 429
_FIRST_PAUSE_SECONDS = 0.2
_UNREADABLE = (OSError, EOFError, zlib.error)


class FileError(Exception):
    """The object has no output. `kind` is the error's name in the FailureReason of the job."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text


@dataclass(frozen=True)
class Plan:
    """What all files of a job have in common."""

    job: TransformJob
    settings: TransformSettings
    processing: Processing

    @property
    def timeout(self) -> int:
        return int(self._client.get("InvocationsTimeoutInSeconds", 600))

    @property
    def retries(self) -> int:
        return int(self._client.get("InvocationsMaxRetries", 3))

    @property
    def headers(self) -> dict[str, str]:
        source, target = self.job.request["TransformInput"], self.job.request["TransformOutput"]
        given = {"Content-Type": source.get("ContentType"), "Accept": target.get("Accept")}
        return {name: value for name, value in given.items() if value}

    @property
    def is_compressed(self) -> bool:
        return bool(self.job.request["TransformInput"].get("CompressionType") == "Gzip")

    @property
    def adds_newlines(self) -> bool:
        return bool(self.job.request["TransformOutput"].get("AssembleWith") == "Line")

    @property
    def _client(self) -> dict[str, Any]:
        return self.job.request.get("ModelClientConfig") or {}


class FileTransform:
    """`slots` bounds the requests of all files of the instance together."""

    def __init__(
        self, services: Services, plan: Plan, instance: Instance, slots: asyncio.Semaphore
    ) -> None:
        self._services = services
        self._plan = plan
        self._instance = instance
        self._slots = slots

    async def run(self, source: Source) -> None:
        """Raises FileError; then there is no output."""
        try:
            await self._run(source)
        except AwsError as error:
            raise FileError("ClientError", str(error)) from error
        except (TooLargeError, RecordError) as error:
            raise FileError("ClientError", str(error)) from error
        except _UNREADABLE as error:
            raise FileError("ClientError", f"the object can't be decompressed: {error}") from error

    async def _run(self, source: Source) -> None:
        location = source.location
        url = f"s3://{location.bucket}/{location.key}"
        with await self._services.aws.fetch(url, None) as content, new_spool() as output:
            content.seek(0)
            await self._transform(self._batches(content), output)
            await self._store(source.output_url, output)

    async def _store(self, url: str, output: Spool) -> None:
        """To the end, even if the job is stopped meanwhile: all of the file is processed."""
        extra = self._storing()
        storing = asyncio.create_task(self._services.aws.store(url, output, extra))
        try:
            await asyncio.shield(storing)
        except asyncio.CancelledError:
            await asyncio.gather(storing, return_exceptions=True)
            raise

    def _batches(self, content: Spool) -> Iterator[Batch]:
        opened: IO[bytes] = content
        if self._plan.is_compressed:
            opened = gzip.GzipFile(fileobj=content, mode="rb")  # type: ignore[assignment] # it reads bytes
        longest, processing = self._plan.settings.maximum_bytes, self._plan.processing
        # A filter may make a record smaller: then the limit is kept by `batches` alone.
        bound = longest if processing.input_filter.is_root else None
        split = lines if processing.by_line else whole
        single = self._plan.settings.single_record
        return batches(split(opened, bound), processing, longest, single=single)

    async def _transform(self, found: Iterator[Batch], output: Spool) -> None:
        """Several requests at a time, their answers in the order of the records.

        What takes the processor long is done in a thread: model servers are pinged meanwhile.
        """
        running: deque[asyncio.Task[bytes]] = deque()
        try:
            while batch := await asyncio.to_thread(next, found, None):
                if len(running) >= self._plan.settings.max_concurrent:
                    output.write(await running.popleft())
                running.append(asyncio.create_task(self._answer(batch)))
            while running:
                output.write(await running.popleft())
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _answer(self, batch: Batch) -> bytes:
        async with self._slots:
            answer = await self._call(batch.payload)
        with answer.body as body:
            process = self._plan.processing.output
            content = await asyncio.to_thread(process, batch.records, body.read())
        missing = self._plan.adds_newlines and not content.endswith(b"\n")
        return content + (b"\n" if missing else b"")

    async def _call(self, payload: bytes) -> Answer:
        """Tries again what may pass. Raises FileError."""
        pause = _FIRST_PAUSE_SECONDS
        for left in range(self._plan.retries, -1, -1):
            try:
                return await self._try(payload)
            except FileError as error:
                if not left or error.kind == "ClientError":
                    raise
            await asyncio.sleep(pause)
            pause *= 2
        raise AssertionError("unreachable: the last try returns or raises")

    async def _try(self, payload: bytes) -> Answer:
        chunked = self._plan.settings.maximum_bytes is None
        call = ModelCall(self._plan.headers, io.BytesIO(payload), chunked=chunked)
        rules = Rules(self._plan.timeout, _MAXIMUM_ANSWER_BYTES, require_length=False)
        try:
            answer = await call_model(
                self._services, self._instance, self._plan.job.name, call, rules
            )
        except ModelCallError as error:
            text = str(error) or "Unable to get response from algorithm"
            raise FileError("AlgorithmError", text) from error
        if is_success(answer.status):
            return answer
        raise _model_error(answer)

    def _storing(self) -> dict[str, Any]:
        target = self._plan.job.request["TransformOutput"]
        extra = {"ContentType": target["Accept"]} if target.get("Accept") else {}
        if key := target.get("KmsKeyId"):
            return {**extra, "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
        return extra


def _model_error(answer: Answer) -> FileError:
    with answer.body as body:
        text = body.read().decode(errors="replace")
    passing = answer.status not in _CLIENT_ERRORS or answer.status == _TOO_MANY
    kind = "AlgorithmError" if passing else "ClientError"
    return FileError(kind, f"{answer.status}\n\nMessage:\n{text}")
