"""What failed ten times becomes an outcome, so that its job ends."""

from collections.abc import Callable
from dataclasses import dataclass

from penstock.domain.chunk import ChunkMessage, ChunkState
from penstock.domain.dead_letters import DeadLetter
from penstock.domain.envelopes import bad_message
from penstock.domain.errors import PermanentError
from penstock.domain.invoke import Invoke
from penstock.domain.job import Failure, Job, JobStatus, Stop
from penstock.domain.manifest import build_summary
from penstock.domain.object_keys import meaning_of
from penstock.domain.pipeline import Pipeline
from penstock.domain.transform_event import TransformEvent
from penstock.domain.transform_job import place_of
from penstock.domain.trouble import GiveUp
from penstock.ports import JobTable, Journal, Queues
from penstock.use_cases import messages
from penstock.use_cases.accept_upload import Upload
from penstock.use_cases.after_failure import error_outcome
from penstock.use_cases.collect_result import Notification
from penstock.use_cases.exit import Exit
from penstock.use_cases.fail_job import TERMINAL, ask_to_finish, fail_job, stop_job
from penstock.use_cases.finish_job import failed_ending
from penstock.use_cases.settle_chunk import SettleChunk

CODE = "DeadLetter"

_FOREIGN = frozenset({"BadMessage", "ForeignInference"})


@dataclass(frozen=True, slots=True)
class HandleDeadLetter:
    """Settles the chunk or fails the job that a dead letter was about; what stands, stands."""

    table: JobTable
    queues: Queues
    settle: SettleChunk
    exit: Exit
    journal: Journal
    now: Callable[[], float]

    def __call__(self, letter: DeadLetter) -> None:
        try:
            self._handle(letter)
        except PermanentError as error:
            if error.code not in _FOREIGN:
                raise
            # It would come back for ever; what it was can be told by its digest.
            self.journal(
                "DeadLetterForeign", sha256=letter.sha256, size=letter.size, reason=error.message
            )

    def _handle(self, letter: DeadLetter) -> None:
        match letter.queue:
            case "upload":
                self._upload(letter)
            case "split":
                self._split(letter)
            case "invoke":
                self._invoke(letter)
            case "transform":
                self._transform(letter)
            case "result":
                self._result(letter)
            case "assemble":
                self._assemble(letter)
            case None:
                raise bad_message("it has the fields of none of the queues' messages")

    def _upload(self, letter: DeadLetter) -> None:
        upload = Upload.from_event(letter.document)
        self._note(letter, upload.job_id)
        if meaning_of(upload.source.key, upload.source.size) != "input":
            return
        failure = _failure("the upload was not accepted", "UploadDeadLetterQueue", "accept_upload")
        # Nothing is known of its pipeline; the user is told of the file all the same.
        job = Job(
            job_id=upload.job_id,
            source=upload.source,
            pipeline=Pipeline(invoke=Invoke(endpoint=""), source="unknown"),
            region_bytes=max(1, upload.source.size),
            created_at=self.now(),
            failure=failure,
        )
        if not self.table.create_job(job):
            found = self._running(upload.job_id)
            if found is None or found.totals:
                return
            self.table.update_job(job.job_id, TERMINAL, failure=found.failure or failure)
        ask_to_finish(self.queues, job.job_id)

    def _split(self, letter: DeadLetter) -> None:
        messages.checked(letter.document, "scan", "emit")
        job = self._running_of(letter)
        if job is None or (letter.document["kind"] == "scan" and job.emitted):
            return
        failure = _failure("the file was not split", "SplitDeadLetterQueue", "split_input")
        self._fail(job, failure)

    def _invoke(self, letter: DeadLetter) -> None:
        chunk = ChunkMessage.from_json(letter.document)
        if self._running_of(letter) is None:
            return
        state = self.table.get_chunk(chunk.job_id, chunk.path)
        if state and state.has_sent(chunk):
            return  # It was sent in the end: a result comes, or the sweep sees to it.
        # Also where there is an outcome: assembly waits for the record of the attempt.
        if state is None or state.message is None or state.outcome is None:
            self.table.record_attempt(chunk.job_id, ChunkState(chunk.path, chunk))
        failure = _failure("the chunk was not sent", "InvokeDeadLetterQueue", "invoke_model")
        outcome = error_outcome(
            GiveUp(failure.code, failure.message), chunk.attempt - 1, self.now()
        )
        self.settle(chunk.job_id, chunk.path, chunk.chunks, outcome)

    def _transform(self, letter: DeadLetter) -> None:
        messages.checked(letter.document, "gather")
        job = self._running_of(letter)
        if job is None:
            return
        failure = _failure(
            "the transform job was not started", "TransformDeadLetterQueue", "start_transform"
        )
        # Not a failure of the job as a whole: what other transform jobs predicted is delivered.
        stop = Stop(JobStatus.FAILED, failure.code, failure.message, self.now())
        stop_job(self.table, self.journal, job.job_id, stop)

    def _result(self, letter: DeadLetter) -> None:
        if "detail-type" in letter.document:
            # A transform job has ended; the sweep asks SageMaker how.
            event = TransformEvent.parse(letter.document)
            self._note(letter, place_of(event.name)[0])
            return
        notification = Notification.parse(letter.document)
        inference = notification.inference_id
        job = self._running(inference.job_id)
        self._note(letter, inference.job_id, path=str(inference.path))
        if job is None:
            return
        state = self.table.get_chunk(job.job_id, inference.path)
        current = state is not None and state.attempt == inference.attempt
        if not notification.completed and not current:
            return  # Of an attempt that is not on record (any more), a failure says nothing.
        failure = _failure("its result was not read", "ResultDeadLetterQueue", "collect_result")
        reason = GiveUp(failure.code, failure.message)
        outcome = error_outcome(reason, inference.attempt, self.now())
        if self.settle(job.job_id, inference.path, inference.chunks, outcome):
            self.exit.give_back(job, inference.path, None)

    def _assemble(self, letter: DeadLetter) -> None:
        messages.checked(letter.document, "segment", "finish")
        job = self._running_of(letter)
        if job is None or self._awaits_a_chunk(job, letter):
            return
        failure = _failure(
            "the output was not written", "AssembleDeadLetterQueue", "assemble_output"
        )
        if not job.failure:
            self._fail(job, failure)
        elif letter.document["kind"] == "finish":
            self._end(job, job.failure)

    def _awaits_a_chunk(self, job: Job, letter: DeadLetter) -> bool:
        """Whether a segment was not assembled because the record of an attempt is still to come.

        The function that sent the chunk died before it noted so; its message comes back after a
        longer time than ten tries take, completes the record and has the segment assembled. Should
        that be lost too, the sweep sees to it.
        """
        if letter.document["kind"] != "segment":
            return False
        states = self.table.get_segment(job.job_id, int(letter.document["segment"]))
        return any(state.message is None for state in states)

    def _fail(self, job: Job, failure: Failure) -> None:
        error = PermanentError(failure.code, failure.message)
        fail_job(self.table, self.queues, job.job_id, error)

    def _end(self, job: Job, failure: Failure) -> None:
        """Not even the manifest of a failed job could be written: it ends in the table."""
        ending = failed_ending(job, failure, self.now())
        self.table.update_job(
            job.job_id,
            TERMINAL,
            status=ending.status,
            failure=failure,
            finished_at=ending.finished_at,
            summary=build_summary(job, ending, None),
        )
        self.journal("JobFailed", job_id=job.job_id, reason=failure.message)
        # Word to the user may still be possible. A letter about that finds the job ended.
        ask_to_finish(self.queues, job.job_id)

    def _running_of(self, letter: DeadLetter) -> Job | None:
        job_id = str(letter.document["job_id"])
        self._note(letter, job_id)
        return self._running(job_id)

    def _running(self, job_id: str) -> Job | None:
        job = self.table.get_job(job_id)
        return None if job is None or job.status.terminal else job

    def _note(self, letter: DeadLetter, job_id: str, path: str | None = None) -> None:
        self.journal("DeadLetter", job_id=job_id, queue=letter.queue, path=path)


def _failure(what: str, queue: str, function: str) -> Failure:
    message = f"{what}: ten tries failed ({queue}); the log of {function} says why"
    return Failure(CODE, message)
