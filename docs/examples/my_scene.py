"""A scene of your own: `diffrender render my_scene.py`."""

from pydantic import Field

from diffrender.animation import Recording, SceneOptions, TrajectoryScene


class Tails(TrajectoryScene):
    """The points of a run with the way that they came."""

    default_config = "spiral"
    shows = ("plane", "space")  # else: line, images
    needs = {"run": Recording("reverse", {"sampler.kind": "ddim", "sampler.steps": 60, "model.kind": "exact"})}
    words = {"title": "Where they came from"}  # what stands on screen: -O title="…" says it otherwise

    class Options(SceneOptions):
        """What -O and lectures may say, beside what every scene has."""

        tails: int = Field(200, ge=1, le=2000, description="points that leave a tail")
        length: int = Field(20, ge=1, le=500, description="steps that a tail is long")

    def construct(self) -> None:
        """From noise to data."""
        run, theme, options = self.run, self.theme, self.options
        boxes, clock = self.arrange("stage"), self.clock()
        view = self.view(run.states[-1], boxes.stage, noise=run.states[0].std())
        paths = run.states[:, : options.tails]
        tails = view.trails(paths, color=theme.samples, width=0.02, alpha=0.7, length=options.length)
        cloud = view.cloud(run.states, color=theme.samples, radius=0.02)
        clock.bind(tails, cloud)
        caption = self.caption("sampler", "step", "points", "seed", "model")
        self.intro(*self.header(self.words["title"]), ground=[caption, *clock.slider(boxes.slider), *view.made])
        self.play_run(clock)
        self.outro()
