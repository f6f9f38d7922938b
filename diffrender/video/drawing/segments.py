"""A clip drawn in fixed segments on several processes; finished segments survive an interrupt.

A clip is cut at the same frames whatever the number of workers, and each segment is an encoder session of its own, so
the bytes do not depend on who drew what.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffrender.core.errors import RenderError
from diffrender.video.drawing.pool import MAX_ATTEMPTS, DrawingPool, Worker, drawing_pool, memory_advice
from diffrender.video.drawing.work_folder import INFO, Segment, partial, read_info, segment_file
from diffrender.video.encode import settings as encoding
from diffrender.video.spec import RenderSpec

Progress = Callable[[dict[str, Any]], None]


@dataclass
class Drawn:
    """What `draw` made: files in order, frames, how many files were there already, CPU seconds of each worker."""

    parts: list[Path]
    frames: int
    resumed: int
    cpu_seconds: list[float]


def draw(spec: RenderSpec, work: Path, progress: Progress) -> Drawn:
    """Draw and encode all segments of a clip that are not yet in `work`, with `spec.workers` processes."""
    with drawing_pool(spec, work) as pool:
        for _ in range(spec.workers):
            pool.start_worker()
        total = count(pool, progress)
        segments = list(cut(spec, work, total))
        missing = [segment for segment in segments if not segment.whole()]
        if missing:
            _draw_missing(pool, missing, total, progress)
        return Drawn(
            [segment.path for segment in segments],
            total,
            resumed=len(segments) - len(missing),
            cpu_seconds=[worker.cpu for worker in pool.workers],
        )


def count(pool: DrawingPool, progress: Progress) -> int:
    """The number of frames; from the work folder, where the captions and what is shown go too, if it is known."""
    info = read_info(pool.work)
    if "total" not in info:
        progress({"stage": "count", "done": 0, "total": 1})
        answer = pool.request(do="count")
        info.update(answer)
        (pool.work / INFO).write_text(json.dumps(info), "utf-8")
        progress({"stage": "count", "done": 1, "total": 1})
    return int(info["total"])


def cut(spec: RenderSpec, work: Path, total: int) -> Iterator[Segment]:
    """The segments of a clip of `total` frames: where they are cut depends only on fps and segment length."""
    container = encoding.for_spec(spec).container
    length = max(1, round(spec.segment_seconds * spec.fps))
    number = max(1, round(total / length))  # the last one takes the rest, so that none is very short
    for index in range(number):
        first, last = index * length, total if index == number - 1 else (index + 1) * length
        yield Segment(index, first, last, segment_file(work, index, container))


def _draw_missing(pool: DrawingPool, missing: list[Segment], total: int, progress: Progress) -> None:
    """Hand out segments in order, each to whoever is free; those of a worker that dies go back to the list."""
    waiting = sorted(missing, key=lambda s: s.first)
    there = total - sum(s.last - s.first for s in missing)
    finished = 0

    def assign(worker: Worker) -> None:
        worker.segment, worker.drawn = (waiting.pop(0) if waiting else None), 0
        if worker.segment:
            worker.segment.attempts += 1
            s = worker.segment
            worker.send(do="segment", index=s.index, first=s.first, last=s.last)

    def report() -> None:
        drawn = sum(w.drawn for w in pool.workers if w.segment)
        progress({"stage": "draw", "done": there + finished + drawn, "total": total})

    report()
    while len(pool.workers) < min(pool.spec.workers, len(missing)):
        pool.start_worker()
    for worker in pool.workers:
        assign(worker)
    while any(worker.segment for worker in pool.workers):
        worker, answer = pool.next_answer()
        segment = worker.segment
        if answer is None:
            pool.workers.remove(worker)
            if segment is None:
                continue
            if segment.attempts >= MAX_ATTEMPTS:
                raise RenderError(
                    f"Frames {segment.first} to {segment.last} of {pool.spec.out.name}: "
                    f"the process that draws them ended ({worker.exit_reason()}), {MAX_ATTEMPTS} times.",
                    memory_advice(pool.spec.workers),
                )
            partial(segment.path).unlink(missing_ok=True)
            waiting.insert(0, segment)
            assign(pool.start_worker())
        elif "frames" in answer:
            worker.drawn = answer["frames"] - worker.frames_before
        elif "done" in answer and segment:
            worker.cpu, worker.frames_before = answer["cpu"], worker.frames_before + segment.last - segment.first
            finished += segment.last - segment.first
            worker.segment = None
            assign(worker)
        report()
