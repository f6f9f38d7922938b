"""Render it with:  diffrender render FILE"""

from pydantic import Field

from diffrender.animation import Recording, SceneOptions, TrajectoryScene


class NAME(TrajectoryScene):
    """A cloud of noise becomes the data."""

    default_config = "spiral"
    shows = ("plane",)  # what it can draw; else: line, space, images
    needs = {"run": Recording("reverse", {"sampler.kind": "ddim"})}  # recorded before the scene is drawn
    words = {"title": "TITLE"}  # what stands on screen: -O title="…" says it otherwise

    class Options(SceneOptions):
        """What -O and lectures may say, beside what every scene has."""

        radius: float = Field(0.02, gt=0, le=1, description="of a point")

    def construct(self) -> None:
        """The whole cloud, from noise to data."""
        run, boxes, clock = self.run, self.arrange("stage"), self.clock()
        view = self.view(run.states[-1], boxes.stage, noise=run.states[0].std())
        cloud = clock.bind(view.cloud(run.states, color=self.theme.samples, radius=self.options.radius))
        caption = self.caption("sampler", "step", "seed", "model")
        self.intro(*self.header(self.words["title"]), ground=[caption, *clock.slider(boxes.slider), cloud])
        self.play_run(clock, 6)
        self.outro()
