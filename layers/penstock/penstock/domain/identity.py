"""Names that are derived, never drawn: the same input gives the same name after a crash."""

import hashlib
import re
from dataclasses import dataclass

from penstock.domain.errors import PermanentError

_JOB_ID_DIGITS = 20
_INFERENCE_ID = re.compile(
    r"([0-9a-f]{20}):(\d{5})\.(\d{4})(?:\.([01]{1,20}))?:(\d{1,9}):(\d{1,9}):(\d{1,9})\Z",
    re.ASCII,
)


def job_id_of(bucket: str, key: str, revision: str) -> str:
    """20 hex digits of the object's identity.

    Args:
        revision: the version id, or ETag and sequencer where the bucket has no versions.
    """
    identity = "\0".join((bucket, key, revision)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(identity).hexdigest()[:_JOB_ID_DIGITS]


@dataclass(frozen=True, slots=True, order=True)
class ChunkPath:
    """Where a chunk lies in the input; paths order as their records do.

    `bits` names the halves of a bisected chunk: `01` is the second half of its first half.
    """

    segment: int
    chunk: int
    bits: str = ""

    def __str__(self) -> str:
        path = f"{self.segment:05d}.{self.chunk:04d}"
        return f"{path}.{self.bits}" if self.bits else path

    @property
    def whole(self) -> "ChunkPath":
        """The chunk as it was split."""
        return ChunkPath(self.segment, self.chunk)

    @property
    def parent(self) -> "ChunkPath":
        """The chunk that this is a half of."""
        return ChunkPath(self.segment, self.chunk, self.bits[:-1])

    def half(self, bit: int) -> "ChunkPath":
        return ChunkPath(self.segment, self.chunk, f"{self.bits}{bit}")

    @classmethod
    def parse(cls, text: str) -> "ChunkPath":
        """The inverse of `str`."""
        segment, chunk, *bits = text.split(".")
        return cls(int(segment), int(chunk), bits[0] if bits else "")


@dataclass(frozen=True, slots=True)
class InferenceId:
    """What a notification needs to find its chunk, in SageMaker's 64 characters.

    `results` is how many results the model owes, `chunks` how many chunks the segment has: with
    them a result that overtakes the record of its own invocation can still be settled.
    """

    job_id: str
    path: ChunkPath
    attempt: int
    results: int
    chunks: int

    def __str__(self) -> str:
        return f"{self.job_id}:{self.path}:{self.attempt}:{self.results}:{self.chunks}"

    @classmethod
    def parse(cls, text: str) -> "InferenceId":
        """The id that was sent.

        Raises:
            PermanentError: the text is no inference id of ours; somebody else's invocation.
        """
        match = _INFERENCE_ID.match(text)
        if match is None:
            message = f"not an inference id of Penstock: {text!r:.80}"
            raise PermanentError("ForeignInference", message)
        job_id, segment, chunk, bits, attempt, results, chunks = match.groups()
        path = ChunkPath(int(segment), int(chunk), bits or "")
        return cls(job_id, path, int(attempt), int(results), int(chunks))
