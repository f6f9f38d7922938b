"""A pool of drawing processes. What is said between them and this end of it: see worker.py."""

from __future__ import annotations

import queue
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffrender.core.child_process import MODULE, ChildProcess, error_from_message
from diffrender.core.errors import RenderError
from diffrender.video.drawing.work_folder import PARTIAL, Segment
from diffrender.video.spec import RenderSpec

MAX_ATTEMPTS = 3  # at one piece of work, before a render is given up


class Worker:
    """A drawing process. Its answers are put into a queue as (worker, answer); (worker, None) when it has ended.

    segment: what it draws now, of which `drawn` frames are done; frames_before: what it drew before that.
    cpu: seconds of processor time that it has used.
    """

    def __init__(self, spec_file: Path, work: Path, temporary: Path, answers: queue.Queue) -> None:
        media = Path(tempfile.mkdtemp(prefix="media-", dir=temporary))
        self.segment: Segment | None = None
        self.drawn = self.frames_before = 0
        self.cpu = 0.0
        self.log = media.with_suffix(".log")
        command = [*MODULE, "diffrender.video.drawing", str(spec_file), str(work), str(media)]
        with self.log.open("wb") as log:
            self.process = ChildProcess(command, log)
        threading.Thread(target=self._listen, args=(answers,), daemon=True).start()

    def _listen(self, answers: queue.Queue) -> None:
        for answer in self.process.answers():
            answers.put((self, answer))
        self.process.exit_code()
        answers.put((self, None))

    def send(self, **command: Any) -> None:
        """Send one command; a worker that is dead already says so through the queue."""
        self.process.send(command)

    def exit_reason(self) -> str:
        """Why it ended, as far as one can tell from outside, and the last line of its log."""
        last = self.log.read_text("utf-8", "replace").strip().splitlines()[-1:]
        return f"{self.process.exit_reason()}{': ' + last[0] if last else ''}"


@dataclass
class DrawingPool:
    """The workers of one render, and the conversation with them."""

    spec: RenderSpec
    work: Path
    temporary: Path
    answers: queue.Queue = field(default_factory=queue.Queue)
    workers: list[Worker] = field(default_factory=list)

    def start_worker(self) -> Worker:
        """Start one more worker."""
        spec_file = self.temporary / "spec.json"
        if not spec_file.exists():
            spec_file.write_text(self.spec.model_dump_json(), "utf-8")
        worker = Worker(spec_file, self.work, self.temporary, self.answers)
        self.workers.append(worker)
        return worker

    def next_answer(self) -> tuple[Worker, dict[str, Any] | None]:
        """Wait for the next answer of any worker; an error it reports is raised here."""
        worker, answer = self.answers.get()
        if answer and "error" in answer:
            raise error_from_message(answer["error"])
        return worker, answer

    def request(self, **command: Any) -> dict[str, Any]:
        """Send the first worker one command and wait for the answer; a worker that dies of it is replaced, twice."""
        for _ in range(MAX_ATTEMPTS):
            worker = self.workers[0] if self.workers else self.start_worker()
            worker.send(**command)
            while True:
                sender, answer = self.next_answer()
                if sender is worker and answer is not None:
                    return answer
                if answer is None:
                    self.workers.remove(sender)
                    if sender is worker:
                        break
        reason = worker.exit_reason()
        raise RenderError(f"The process that draws {self.spec.out.name} ended ({reason}).", memory_advice(1))


@contextmanager
def drawing_pool(spec: RenderSpec, work: Path) -> Iterator[DrawingPool]:
    """A pool for `spec` that is gone when the block is left, with its temporary files: they lie in the work folder."""
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=work, ignore_cleanup_errors=True) as temporary:
        pool = DrawingPool(spec, work, Path(temporary))
        try:
            yield pool
        finally:
            for worker in pool.workers:
                worker.process.close()


def memory_advice(workers: int) -> str:
    """What to do about a drawing process that vanished: fewer of them, if there were several."""
    return "It may have run out of memory: use fewer workers." if workers > 1 else "It may have run out of memory."
