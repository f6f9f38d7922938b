"""`diffrender new`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diffrender.cli.common import command, made, say

CONFIG = """\
# {name}: train it with  diffrender train {file}
title: {title}
target: {{kind: polygon, sides: 5}}        # diffrender list points
model: {{kind: mlp}}                        # or exact: nothing to train
training: {{steps: 4000}}
sampler: {{kind: ddpm, steps: 60, chains: 4000}}
seed: 0
"""

SCENE = '''\
"""Render it with:  diffrender render {file}"""

from pydantic import Field

from diffrender.animation import Recording, SceneOptions, TrajectoryScene


class {name}(TrajectoryScene):
    """A cloud of noise becomes the data."""

    default_config = "spiral"
    shows = ("plane",)  # what it can draw; else: line, space, images
    needs = {{"run": Recording("reverse", {{"sampler.kind": "ddim"}})}}  # recorded before the scene is drawn
    words = {{"title": "{title}"}}  # what stands on screen: -O title="…" says it otherwise

    class Options(SceneOptions):
        """What -O and lectures may say, beside what every scene has."""

        radius: float = Field(0.02, gt=0, le=1, description="of a point")

    def construct(self):
        run, boxes, clock = self.run, self.arrange("stage"), self.clock()
        view = self.view(run.states[-1], boxes.stage, noise=run.states[0].std())
        cloud = clock.bind(view.cloud(run.states, color=self.theme.samples, radius=self.options.radius))
        caption = self.caption("sampler", "step", "seed", "model")
        self.intro(*self.header(self.words["title"]), ground=[caption, *clock.slider(boxes.slider), cloud])
        self.play_run(clock, 6)
        self.outro()
'''

LECTURE = """\
title: {title}
defaults: {{quality: m, theme: dark}}
entries:
  - card: {title}
  - {{scene: langevin, caption: Langevin Monte Carlo}}
  - {{scene: denoise, config: spiral, caption: Noise becomes data}}
"""


@command
def new(
    what: Annotated[str, typer.Argument(metavar="config|scene|lecture")],
    name: Annotated[str, typer.Argument(help="Its name, or the file to write.")],
) -> None:
    """Start a config, scene or lecture of your own.

    Writes a short example that works, to be changed.
    """
    import shlex

    from diffrender.core.errors import DiffrenderError, UsageError, suggest

    kinds = {
        "config": (CONFIG, "configs", ".yaml"),
        "scene": (SCENE, "scenes", ".py"),
        "lecture": (LECTURE, ".", ".yaml"),
    }
    if what not in kinds:
        raise UsageError(f"new {what}: no such kind of thing.", suggest(what, kinds))
    text, folder, suffix = kinds[what]
    file = Path(name) if name.endswith(suffix) else Path(folder) / f"{name}{suffix}"
    if file.exists():
        raise DiffrenderError(f"{file}: is there already.", "Give another name, or delete it first.")
    stem = file.stem.replace("-", "_")
    class_name = "".join(part.capitalize() for part in stem.split("_"))
    if what == "scene" and not class_name.isidentifier():
        raise UsageError(f"new scene {name}: a class cannot be called '{class_name}'.", "Use letters, digits and _.")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        text.format(
            name=class_name if what == "scene" else file.stem, file=file, title=stem.replace("_", " ").capitalize()
        ),
        "utf-8",
    )
    quoted = shlex.quote(str(file))
    say(
        {
            "config": f"Next:  diffrender train {quoted}",
            "scene": f"Next:  diffrender render {quoted if Path(name) == file else file.stem} -q l -p",
            "lecture": f"Next:  diffrender batch {quoted} --dry-run",
        }[what]
    )
    made(file)
