"""Latent diffusion as one film: images become points of a plane, noise becomes such points, points become images."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field

from diffrender.animation import (
    Clock,
    CodePlane,
    Codes,
    CodesParting,
    DecodedSheet,
    FadeInFast,
    FadeOutFast,
    HillRange,
    NoiseToCode,
    OneNoiseEachClass,
    Recording,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    captions,
    class_names,
    escaped,
    frame,
    panel,
    path_length,
)

ELBO = '{{-log p(x | z) : data}} + {{"KL"(q(z | x) || cal(N)) : noise}}'
GUIDED = "tilde(epsilon) = {{epsilon_nothing : noise}} + w ({{epsilon_c : data}} - {{epsilon_nothing : noise}})"
COLORED = "of any class, coloured by the digit that is read at the end|coloured by the digit read at the end"
READ = "read by a network that reads {0:.3g} % of unseen images|read by a network that is {0:.3g} % right"
KERNELS = "Gaussian kernels, {} deviations of a class wide|Gaussian kernels of {} deviations"
STATE = re.compile(r"\bx(?=[_)])")  # of an equation, hats too
SEARCH = 5.0  # seconds in which the sheet is searched, at most


@dataclass(frozen=True)
class Act:
    """One act: its words, a part with what it draws (`stage`, `side`, `moving`), and how its time passes."""

    title: str
    equation: str
    part: Any
    caption: Sequence[str]
    time: Clock | Callable[[float], object]  # recorded time, or what shows a moment 0..1 of the act


class Latent(TrajectoryScene):
    """An autoencoder's plane organises, its density rises, is decoded, is reached from noise, and steered in."""

    default_config = "latent-digits"
    shows = ("plane",)
    unused_options = ("trails", "interpolate", "project")
    needs = {
        "codes": Codes(),
        "paths": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.steps": 80, "sampler.chains": 1000, "record.decoded": 60},
            fixed={"sampler.guidance_scale": 0, "record.keep": []},
        ),
        "steered": Recording(
            "reverse",
            {"sampler.guidance_scale": 2, "sampler.steps": 80},
            fixed={
                "sampler.kind": "ddim",
                "sampler.start": "0.6, -0.5",
                "sampler.chains": 10,
                "sampler.classes": None,
                "record.keep": [],
            },
        ),
        "guided": Recording(
            "reverse",
            {"sampler.kind": "dpmpp_2m", "sampler.guidance_scale": 2, "sampler.steps": 20, "sampler.chains": 2000},
            fixed={"record.decoded": 0, "record.keep": []},
        ),
    }

    class Options(SceneOptions):
        """Options of `latent`."""

        duration: float = Field(8.0, gt=0, le=600, description="seconds of each act")
        hold: float = Field(1.5, ge=0, le=60, description="seconds that the end of each act stands")
        acts: tuple[Literal["organise", "density", "manifold", "diffuse", "condition"], ...] = Field(
            ("organise", "density", "manifold", "diffuse", "condition"), min_length=1, description="what is shown"
        )

    def construct(self) -> None:
        """How the film ends; then one act after the other on the same plane."""
        codes, boxes = self.run, self.arrange("stage and side")
        corners = np.array([[codes["density_x"][i], codes["density_y"][j]] for i in (0, -1) for j in (0, -1)])
        view = self.view(corners, boxes.stage, reach=1.0)
        self.plane = CodePlane(self.page, codes, view, boxes, self.asked_class())
        self.add(panel(boxes.stage, self.theme), frame(boxes.stage, self.theme.border).set_z_index(6))
        acts: list[Act] = [getattr(self, name)() for name in self.options.acts]
        self.show_end(acts[-1])
        for name, act in zip(self.options.acts, acts, strict=True):
            self.next_act(name)
            self.begin(act)
            self.pass_time(act)
            self.outro()
            if isinstance(act.part, HillRange) and act is not acts[-1]:
                self.play(act.part.lie_down(self.seconds(1.2)))

    # ---- acts --------------------------------------------------------------------------------------------------------
    def organise(self) -> Act:
        """Codes of some images while the autoencoder learns; what it loses, and what it makes of a few images."""
        run = self.run
        clock = self.clock(run, timeline=path_length(run["code"], interpolate=True))
        moments = f"interpolated between {len(run['epoch'])} recorded moments"
        said = self.encoder(), f"{len(run['code_label']):,} of the images", moments, "seed"
        return Act("Images become codes", ELBO, CodesParting(self.plane, clock), said, clock)

    def density(self) -> Act:
        """The density of each class rises as hills, the camera turns; beside them what is decoded on each top."""
        hills = HillRange(self.plane)
        factors = (self.run.meta.get("density") or {}).get("bandwidth") or []
        wide = "–".join(sorted({f"{factor:.2f}" for factor in (min(factors), max(factors))})) if factors else ""
        kernels = self.page.fitting(KERNELS, 1.9 * self.page.frame.x, "caption", wide).format(wide) if factors else ""
        said = self.encoder(), kernels
        return Act("How dense the codes are", "p(z, c) = p(c) thin p(z | c)", hills, said, hills.show)

    def manifold(self) -> Act:
        """What is decoded all over the plane; a place goes round, its image beside the plane."""
        sheet = DecodedSheet(self.plane)
        return Act("What each place means", "hat(x) = D(z)", sheet, (self.encoder(),), sheet.show)

    def diffuse(self) -> Act:
        """Noise flows to the codes; one point leaves its path, and its image changes as it goes."""
        run = self.trajectories["paths"]
        clock = self.clock(run, timeline=path_length(run["decoded"], even=0.4))
        part = NoiseToCode(self.plane, run, clock, min(run.chains, self.options.points or run.chains))
        colored = self.page.fitting(COLORED, 1.9 * self.page.frame.x, "caption")
        said = colored, captions.sampler(run), captions.seed(run), captions.model(run)
        equation = STATE.sub("z", self.sampler_equation(run))  # x is an image here
        return Act("Noise becomes codes", equation, part, said, clock)

    def condition(self) -> Act:
        """The same noise steered to each class, and how many of many such points are read as what was asked for."""
        run, guided = self.trajectories["steered"], self.trajectories["guided"]
        clock = self.clock(run, timeline=path_length(run["decoded"], even=0.4))
        part = OneNoiseEachClass(self.plane, run, guided, clock)
        reader = ((guided.meta.get("autoencoder") or {}).get("figures") or {}).get("reader")
        judged = self.page.fitting(READ.format(100 * reader), 1.9 * self.page.frame.x, "caption") if reader else ""
        said = judged, captions.sampler(run), self.encoder(), captions.seed(run)
        return Act("One noise, each class", GUIDED, part, said, clock)

    # ---- how they follow one another ---------------------------------------------------------------------------------
    def show_end(self, act: Act) -> None:
        """The end of an act as the first picture."""
        self.show(act, 1.0)
        head, foot = self.words_of(act)
        self.places = {"head": head, "foot": foot, "stage": act.part.stage, "side": act.part.side}
        self.intro(*head, ground=[*foot, *act.part.stage, *act.part.side])

    def begin(self, act: Act) -> None:
        """Change to the start of an act; what stands there already only goes back to it."""
        part = act.part
        if self.places["stage"] is part.stage:
            self.play(FadeOutFast(*part.moving, run_time=0.3))
            self.show(act, 0.0)
            self.play(FadeInFast(*part.moving, run_time=0.5))
            return
        self.show(act, 0.0)
        head, foot = self.words_of(act)
        self.set_places(head=head, foot=foot, stage=part.stage, side=part.side)
        self.stand(self.seconds(self.options.pause))

    def words_of(self, act: Act) -> tuple[list[Any], list[Any]]:
        """What stands above an act and below it."""
        said = act.caption if self.page.shape == "wide" else act.caption[:2]
        return self.header(act.title, act.equation), [self.caption(*said, run=self.run)]

    def show(self, act: Act, u: float) -> None:
        """An act when `u` of its time has passed."""
        (act.time.show if isinstance(act.time, Clock) else act.time)(u)

    def pass_time(self, act: Act) -> None:
        """Let the time of an act pass."""
        if isinstance(act.time, Clock):
            self.play_run(act.time)
        else:
            most = SEARCH if isinstance(act.part, DecodedSheet) else self.options.duration
            seconds = self.seconds(min(most, self.options.duration))
            self.play(UpdateFromAlpha(act.time, *act.part.moving, run_time=seconds))

    # ---- what is said ------------------------------------------------------------------------------------------------
    def encoder(self) -> str:
        """The autoencoder and its images, as captions name them."""
        said = self.run.meta.get("autoencoder") or {}
        return escaped(f"{said.get('label', 'autoencoder')}, of {said.get('images', 'images')}")

    def asked_class(self) -> int | None:
        """The one class that was asked for, if it is one."""
        labels = set(np.asarray(self.trajectories["guided"]["label"]).tolist())
        return labels.pop() if len(labels) == 1 and len(class_names(self.run)) > 1 else None
