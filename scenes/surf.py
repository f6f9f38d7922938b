"""Annealed Langevin on images: chains ride from noise to pictures as the noise level falls."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    BAR,
    Box,
    LevelScale,
    PredictedImages,
    Recording,
    SceneOptions,
    Timeline,
    TrajectoryScene,
    alike,
    captions,
    frame,
    image_grid,
    image_values,
)

DECIDED = 0.4, 3.0  # noise levels, of values in [−1, 1], between which it is decided what an image becomes
SLOW = 2 / 3  # share of the film between them
RIM = 0.05  # width of the frame in the colour of the noise level


class Surf(TrajectoryScene):
    """Annealed Langevin: images ride from noise to pictures over falling noise levels, and end beside the data."""

    default_config = "digits"
    shows = ("images",)
    unused_options = ("trails", "points", "interpolate", "orbit", "project")
    needs = {
        "run": Recording(
            "reverse",
            {
                "schedule.kind": "geometric",
                "schedule.num_train_timesteps": 40,
                "schedule.sigma_min": 0.08,
                "schedule.sigma_max": 6.5,
                "sampler.steps": 40,
                "sampler.chains": 36,
                "sampler.guidance_scale": 1,
                "record.frames": 802,
                "record.nearest": True,
                "record.target_points": 200,
            },
            fixed={"sampler.kind": "annealed", "sampler.inner_steps": 20, "sampler.step_size": 0.1},
        )
    }

    class Options(SceneOptions):
        """Options of `surf`."""

        duration: float = Field(14.0, gt=0, le=600, description="seconds from noise to images")
        rows: int = Field(4, ge=1, le=16, description="rows and columns of the grid")

    def construct(self) -> None:
        """The state and what the model sees in it over the falling noise level, slowly where images are decided; then
        the images beside those of the data."""
        run, page, theme, options = self.run, self.page, self.theme, self.options
        upright = page.shape == "wide"
        side = min(options.rows, int(np.sqrt(run.chains)))
        chains, em = list(range(side**2)), page.em("label")
        clock = self.clock(run, timeline=self.timeline())
        said = [self.at_each(), *captions.asked(run), *self.told()]
        caption = self.caption("sampler", *said, "scaling", "model", "seed", "step")
        stage = self.arrange("stage", key=False, slider=False).stage.above(caption)
        if upright:
            column, body = stage.columns(0.17, 0.83, gap=0.3)
        else:
            row = 2.3 * page.em("legend") + BAR
            body, column = stage._replace(bottom=stage.bottom + row + 0.3), stage._replace(top=stage.bottom + row)
        body, tall = body._replace(top=body.top - 1.4 * em), page.shape == "tall"
        places = body.squares(2, gap=1.6 * em if tall else 0.45, lines=1 + tall)  # with room for a name over each

        square: dict[str, Any] = {"theme": theme, "rows": side, "cols": side}
        state = image_grid(image_values(run), places[0].inset(2 * RIM), chains=chains, **square).set_z_index(1)
        seen = image_grid(PredictedImages(run), places[1].inset(2 * RIM), chains=chains, **square).set_z_index(1)
        rims = [frame(self.around(grid), theme.data, RIM, radius=RIM) for grid in (state, seen)]
        level = clock.number("$sigma =$ {:.2f}", run["sigma"], size="title", color="samples")
        if upright:
            upper, lower = column.rows(0.2, 0.8, gap=0.1)
        else:
            upper, lower = column.columns(0.32, 0.68, gap=0.2)
        page.stack(upper, level, align=-1)
        scale = LevelScale(page, lower, run["sigma"], upright=upright)
        names = [self.over(state, "$x_k$"), self.over(seen, f"${self.predicted('x_k')}$, seen in it")]

        def colour(step: float) -> None:
            rims[0].set_stroke(scale.hue(float(run["sigma"][int(step)])))

        clock.bind(state, seen, scale)
        clock.bind(colour, moves=rims[:1])
        title = self.header(captions.title(run, "Images"), self.conditioned())
        standing = [level, *scale.standing, scale.mark, caption, *rims, state]
        ending = self.beside(run, state, seen, chains, square)
        clock.show(1)
        self.intro(*title, ground=[*standing, *ending])
        self.crossfade(ending)
        self.restart(clock, scale.mark, rims[0], level, also=[seen, *names])  # the state is cut to noise at once
        self.play_run(clock)
        self.crossfade([seen, *names], ending)
        self.outro()

    def beside(self, run: Any, state: Any, seen: Any, chains: list[int], square: dict[str, Any]) -> list[Any]:
        """What stands at the end: images of the data, of the same classes, beside the samples, and distances."""
        ends = {
            "nearest_distance": (self.last(), "from the data", "away"),
            "nearest_apart": ("data", "from one another", "apart"),
        }
        names = []
        for key, (name, *forms) in ends.items():
            far = float(np.median(run[key])) if key in run else None
            names.append(name if far is None else "|".join(f"{name}: {far:.2f} {form}" for form in forms))
        if not len(run.target):
            return [seen, self.over(state, names[0]), self.over(seen, f"${self.predicted('x_K')}$")]
        label = np.asarray(run["label"])[chains] if "label" in run else None
        known = np.asarray(run["target_label"]) if "target_label" in run else None
        chosen = alike(label, known, len(chains), len(run.target))
        (left, bottom), (right, top) = seen.points[0, :2], seen.points[3, :2]
        box = Box(float(left), float(right), float(bottom), float(top))
        data = image_grid(image_values(run, "target"), box, chains=chosen, **square).set_z_index(1)
        return [data, self.over(state, names[0]), self.over(seen, names[1], "data")]

    def conditioned(self) -> str:
        """The update of the sampler, of the score that was walked: of the class asked for, with a tilde if guided."""
        equation, scale = self.sampler_equation(), captions.guidance(self.run)
        if scale not in (0, 1):
            equation = equation.replace("log p_", "log tilde(p)_")
        return equation.replace("(x_k)", "(x_k bar.v c)") if scale else equation

    def predicted(self, state: str) -> str:
        """What the model sees in a state, of a class if one was asked for."""
        return f"hat(x)_0 ({state}, c)" if captions.guidance(self.run) else f"hat(x)_0 ({state})"

    def last(self) -> str:
        """What the recording ends with: after the chain what the model sees in its last state, or that itself."""
        return f"${self.predicted('x_K')}$" if self.run["sigma"][-1] == 0 else "$x_K$"

    def at_each(self) -> str:
        """How many steps are walked at each noise level, and how far they go."""
        said = (self.run.meta.get("config") or {}).get("sampler") or {}
        if not {"inner_steps", "step_size"} <= set(said):
            return ""
        return f"{said['inner_steps']} steps at each $sigma$, $tau = {said['step_size']:g}$"

    def told(self) -> list[str]:
        """What distances are."""
        return ["median rms to the nearest image"] if "nearest_distance" in self.run else []

    def over(self, grid: Any, text: str, color: str = "fg") -> Any:
        """The name of a grid, over it."""
        (left, top), em = grid.points[2, :2] + (-2 * RIM, 2 * RIM), self.page.em("label")
        said = self.page.fitting(text, float(grid.width), "label")
        return self.page.label(said, float(left), float(top) + 0.4 * em, -1, "label", color)

    def around(self, grid: Any) -> Box:
        """The place of a grid and a rim."""
        (left, bottom), (right, top) = grid.points[0, :2], grid.points[3, :2]
        return Box(float(left), float(right), float(bottom), float(top)).inset(-1.5 * RIM)

    def timeline(self) -> Timeline:
        """Two thirds of the film for the noise levels at which it is decided what an image becomes."""
        run = self.run
        sigma = np.asarray(run["sigma"]) * float((run.meta.get("target") or {}).get("scale", 1.0))
        slow = (sigma[:-1] <= DECIDED[1]) & (sigma[:-1] >= DECIDED[0])
        share = np.full(run.steps, 1.0 / run.steps)
        if slow.any() and not slow.all():
            share = np.where(slow, SLOW / slow.sum(), (1 - SLOW) / (~slow).sum())
        passed = np.concatenate([[0.0], np.cumsum(share)])
        steps = np.arange(run.steps + 1, dtype=float)
        return Timeline("noise level", run.steps, lambda u: float(np.interp(u, passed / passed[-1], steps)))
