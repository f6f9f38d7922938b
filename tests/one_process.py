"""The program in the tests' own process: the same commands and jobs, without loading torch once more for each."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from diffrender.cli.app import app
from diffrender.jobs.kinds import KINDS, Task
from diffrender.jobs.run.check import check_by_registries
from diffrender.jobs.run.children import COMMAND, Children

IN_A_PROCESS = Children.do


class Done(NamedTuple):
    """As `subprocess.run` gives it."""

    returncode: int
    stdout: str
    stderr: str


def do(self, message, report=lambda event: None, interrupt=None, *, reused=False, log=None):
    """In place of `Children.do`: jobs are done here, but for those of toy workers; processes draw frames still."""
    for one in message.get("check", ()):
        check_by_registries(one)
    if "check" in message:
        return {"event": "done"}
    if self.command != COMMAND:
        return IN_A_PROCESS(self, message, report, interrupt, reused=reused, log=log)
    task = Task.from_dict(message, lambda event: report({"event": "progress", **event}))
    task.out.parent.mkdir(parents=True, exist_ok=True)
    return {"event": "done", "path": str(task.out), "figures": KINDS[message["kind"]].do(task)}


def run(*arguments: object, cwd: Path, **env: str) -> Done:
    """`diffrender arguments…` in a folder: its exit code, and what it said."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["diffrender", *map(str, arguments)])
        patch.setattr(sys, "excepthook", sys.excepthook)
        patch.setattr(Children, "do", do)
        for name, value in ({"COLUMNS": "100"} | env).items():
            patch.setenv(name, value)
        try:
            app(prog_name="diffrender")
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, out.getvalue(), err.getvalue())
