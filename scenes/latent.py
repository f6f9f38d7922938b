"""Latent diffusion as one film: images become points of a plane, noise becomes such points, points become images."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from diffrender.animation import (
    Box,
    ClassLabels,
    Codes,
    EncoderCurves,
    Hero,
    HillRange,
    ImageTiles,
    Recording,
    RenderError,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    captions,
    class_colors,
    class_names,
    class_rgb,
    escaped,
    frame,
    image_grid,
    panel,
    path_length,
    pick_hero,
    point_radius,
    tile_steps,
)

ELBO = '{{-log p(x | z) : data}} + {{"KL"(q(z | x) || cal(N)) : noise}}'
GUIDED = "tilde(epsilon) = {{epsilon_nothing : noise}} + w ({{epsilon_c : data}} - {{epsilon_nothing : noise}})"
COLORED = "of any class, coloured by the digit that is read at the end|coloured by the digit read at the end"
READ = "read by a network that reads {0:.3g} % of unseen images|read by a network that is {0:.3g} % right"
KERNELS = "Gaussian kernels, {} deviations of a class wide|Gaussian kernels of {} deviations"
ASKED = "are read as the class asked for|are read as asked|read as asked"
TILES = 11
SEARCH = 5.0  # seconds in which the sheet is searched
AROUND = 0.55  # of the way from the middle of the sheet to its edge, where it is searched
DIM = 0.35  # opacity of points behind paths


class Latent(TrajectoryScene):
    """An autoencoder's plane organises, its density rises, is decoded, is reached from noise, and steered in."""

    default_config = "latent-digits"
    shows = ("plane",)
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
        """One act after the other on the same plane."""
        codes = self.run
        self.names = class_names(codes)
        self.boxes = self.arrange("stage and side")
        corners = np.array([[codes["density_x"][i], codes["density_y"][j]] for i in (0, -1) for j in (0, -1)])
        self.plane = self.view(corners, self.boxes.stage, reach=1.0)
        self.asked = self.asked_class()
        stage = self.boxes.stage
        self.add(panel(stage, self.theme), frame(stage, self.theme.border).set_z_index(6))
        for act in self.options.acts:
            getattr(self, act)()

    def asked_class(self) -> int | None:
        """The one class that was asked for, if it is one."""
        labels = set(np.asarray(self.trajectories["guided"]["label"]).tolist())
        return labels.pop() if len(labels) == 1 and len(self.names) > 1 else None

    def begin(self, title: str, equation: str, stage: list[Any], side: list[Any], *caption: str) -> None:
        """Change to another act: what stands on the plane, beside it, above and below it."""
        head = self.header(title, equation)
        shown = caption if self.page.shape == "wide" else caption[:2]
        self.set_places(head=head, foot=[self.caption(*shown, run=self.run)], stage=stage, side=side)
        if self.options.pause:
            self.wait(self.seconds(self.options.pause))

    def encoder(self) -> str:
        """The autoencoder and its images, as captions name them."""
        said = self.run.meta.get("autoencoder") or {}
        return escaped(f"{said.get('label', 'autoencoder')}, of {said.get('images', 'images')}")

    # ---- acts --------------------------------------------------------------------------------------------------------
    def organise(self) -> None:
        """Codes of some images while the autoencoder learns; what it loses, and what it makes of a few images."""
        run, label = self.run, np.asarray(self.run["code_label"])
        clock = self.clock(run, timeline=path_length(run["code"], interpolate=True))
        cloud = self.plane.cloud(
            run["code"], color=class_rgb(self.theme, label, len(self.names)), radius=self.radius(len(label)), alpha=0.85
        )
        labels = ClassLabels(self.page, self.names)
        middles = np.array([self.middles(shot, label) for shot in run["code"]])

        def follow(step: float) -> None:
            k = min(int(step), len(middles) - 2)
            labels.put(self.plane.to_scene(middles[k] + (step - k) * (middles[k + 1] - middles[k])))

        clock.bind(cloud)
        clock.bind(follow, moves=labels.mobjects)
        curves = EncoderCurves(self.page, run, self.boxes.side, clock)
        moments = f"straight lines between {len(run['epoch'])} recorded moments"
        count = f"{len(label):,} of the images"
        stage = [cloud, *labels.mobjects]
        clock.show(1)
        self.begin("Images become codes", ELBO, stage, curves.mobjects, self.encoder(), count, moments, "seed")
        self.rewind(clock, 1.5)
        self.play_run(clock)
        self.outro()

    def density(self) -> None:
        """The density of each class rises as hills, the camera turns; beside them what is decoded on each top."""
        hills = HillRange(self.page, self.run, self.plane, self.asked)
        factors = (self.run.meta.get("density") or {}).get("bandwidth") or []
        wide = "–".join(sorted({f"{factor:.2f}" for factor in (min(factors), max(factors))})) if factors else ""
        kernels = self.page.fitting(KERNELS, 1.9 * self.page.frame.x, "caption", wide).format(wide) if factors else ""
        on_tops = self.decoded_at(hills.peaks)
        said = self.fitting("decoded nearest to each top|decoded at each top", "legend", "muted")
        tiles = self.tiles(on_tops, said)
        stage = [*hills.mobjects]
        self.begin("How dense the codes are", "p(z, c) = p(c) thin p(z | c)", stage, tiles, self.encoder(), kernels)
        seconds = self.seconds(self.options.duration)
        self.play(UpdateFromAlpha(hills.show, *hills.mobjects, run_time=seconds))
        self.outro()
        self.play(hills.lie_down(self.seconds(1.2)))

    def manifold(self) -> None:
        """What is decoded all over the plane; a place goes round, its image beside the plane."""
        run, theme = self.run, self.theme
        sheet, x, y = run["sheet"], np.asarray(run["sheet_x"], float), np.asarray(run["sheet_y"], float)
        images = np.asarray(sheet)[::-1].reshape(-1, *sheet.shape[2:])
        half = np.array([x[1] - x[0], y[1] - y[0]]) / 2
        ends = np.array([[x[0], y[0]], [x[-1], y[-1]]]) + np.outer([-1, 1], half)
        (left, bottom), (right, top) = self.plane.to_scene(ends)
        whole = Box(float(left), float(right), float(bottom), float(top))
        grid = image_grid(images[None], whole, theme=theme, rows=len(y), cols=len(x), gap=0.0).set_z_index(2)
        square = self.square(0.9)
        large = image_grid(images[None], square, theme=theme, rows=1, cols=1, chains=[0]).set_z_index(1)
        edge = frame(square, theme.border).set_z_index(3)
        mark = frame((0, whole.width / len(x), 0, whole.height / len(y)), theme.samples, 0.05).set_z_index(5)
        said = self.page.words(f"decoded at {len(x)} × {len(y)} places", "legend", "muted")
        said.at(square.left, square.top + 0.3 * said.em)

        def search(u: float) -> None:
            angle = 2 * np.pi * u
            column = int(np.clip((0.5 + 0.5 * AROUND * np.sin(angle)) * len(x), 0, len(x) - 1))
            row = int(np.clip((0.5 + 0.5 * AROUND * np.cos(angle)) * len(y), 0, len(y) - 1))
            large.set_images(images[[(len(y) - 1 - row) * len(x) + column]])
            mark.move_to([*self.plane.to_scene(np.array([x[column], y[row]])), 0.0])

        labels = ClassLabels(self.page, self.names)
        codes, label = np.asarray(run["code"][-1]), np.asarray(run["code_label"])
        labels.put(self.plane.to_scene(self.middles(codes, label)))
        search(0)
        stage = [grid, mark, *labels.mobjects]
        self.begin("What each place means", "hat(x) = D(z)", stage, [large, edge, said], self.encoder())
        self.play(UpdateFromAlpha(search, large, mark, run_time=self.seconds(min(SEARCH, self.options.duration))))
        self.outro()

    def diffuse(self) -> None:
        """Noise flows to the codes; one point leaves its path, and its image changes as it goes."""
        run, theme = self.trajectories["paths"], self.theme
        run.require("read", "decoded")
        read = np.asarray(run["read"])
        clock = self.clock(run, timeline=path_length(run["decoded"], even=0.4))
        count = min(run.chains, self.options.points or run.chains)
        colors = class_rgb(theme, read[:count], len(self.names))
        cloud = self.plane.cloud(run.states[:, :count], color=colors, radius=self.radius(count), alpha=0.75)
        hero = Hero(self.plane, run.states, theme=theme, chain=self.hero(read), length=run.steps)
        square, strip = self.square(), self.strip()
        live = image_grid(run["decoded"], square, theme=theme, rows=1, cols=1, chains=[hero.chain]).set_z_index(1)
        steps = tile_steps(clock.timeline, TILES)
        tiles = ImageTiles(self.page, run["decoded"], steps, strip, chain=hero.chain)
        sigma = clock.number("$sigma_t =$ {:.2f}", run["sigma"], size="legend")
        sigma.at(square.left, square.top + 0.3 * self.page.em("legend"))
        clock.bind(cloud, hero, live, tiles)
        clock.show(0)
        side = [frame(square, theme.border).set_z_index(3), live, sigma, *tiles.grounds, *tiles.mobjects]
        self.begin(
            "Noise becomes codes", self.sampler_equation(run), [cloud, *hero.mobjects], side,
            self.page.fitting(COLORED, 1.9 * self.page.frame.x, "caption"), captions.sampler(run),
            captions.seed(run), captions.model(run),
        )  # fmt: skip
        self.play_run(clock)
        self.outro()

    def condition(self) -> None:
        """The same noise steered to each class, and how many of many such points are read as what was asked for."""
        run, guided, theme = self.trajectories["steered"], self.trajectories["guided"], self.theme
        label, count = np.asarray(run["label"]), len(self.names)
        clock = self.clock(run, timeline=path_length(run["decoded"], even=0.4))
        many = np.asarray(guided["label"])
        crowd = self.plane.cloud(
            np.asarray(guided.states[guided.steps]), color=class_rgb(theme, many, count), radius=0.025, alpha=DIM
        )
        rgb = class_rgb(theme, label, count)
        trails = self.plane.trails(run.states, color=rgb, width=0.035, alpha=0.95, length=run.steps)
        heads = self.plane.cloud(run.states, color=rgb, radius=0.1, alpha=1.0, ring=theme.bg)
        scale = (guided.meta.get("config") or {}).get("sampler", {}).get("guidance_scale", 1)
        right = 100 * float((np.asarray(guided["read"]) == many).mean())
        figure = f"guidance {scale:g}: {right:.1f} %"
        words = [f"{figure} of {len(many):,}|{figure}", ASKED]
        grids = self.tiles(run["decoded"], *(self.fitting(text, "label") for text in words), chains=len(label))
        clock.bind(trails, heads, *[mob for mob in grids if hasattr(mob, "show_step")])
        labels = ClassLabels(self.page, self.names)
        ends = np.asarray(guided.states[guided.steps])
        labels.put(self.plane.to_scene(self.middles(ends, many)))
        clock.show(0)
        reader = ((guided.meta.get("autoencoder") or {}).get("figures") or {}).get("reader")
        said = READ.format(100 * reader) if reader else ""
        self.begin(
            "One noise, each class", GUIDED, [crowd, trails, heads, *labels.mobjects], grids,
            self.page.fitting(said, 1.9 * self.page.frame.x, "caption"), captions.sampler(run), self.encoder(),
            captions.seed(run),
        )  # fmt: skip
        self.play_run(clock)
        self.outro()

    # ---- what acts share ---------------------------------------------------------------------------------------------
    def middles(self, points: np.ndarray, label: np.ndarray) -> np.ndarray:
        """(K, 2) the median of each class's points (N, 2); far away where there are none."""
        groups = [points[label == k] for k in range(len(self.names))]
        return np.array([np.median(group, 0) if len(group) else np.full(2, 1e3) for group in groups])

    def fitting(self, forms: str, size: str, color: str = "fg") -> Any:
        """The longest of some forms of a text that the side has room for."""
        return self.page.words(self.page.fitting(forms, self.boxes.side.width, size), size, color)

    def radius(self, count: int) -> float:
        """Of points of a cloud."""
        return point_radius(count, 0.5 * self.boxes.stage.width * self.boxes.stage.height)

    def hero(self, read: np.ndarray) -> int:
        """The chain that is followed: of those that are decoded and of the class asked for, one whose image changes."""
        run = self.trajectories["paths"]
        near = np.arange(run["decoded"].shape[1])
        mine = near if self.asked is None else near[read[: len(near)] == self.asked]
        if not len(mine):
            raise RenderError("No chain that is decoded becomes of the class asked for.", "Raise record.decoded.")
        images = np.asarray(run["decoded"], np.float32)[:, mine]
        return int(mine[pick_hero(images.reshape(*images.shape[:2], -1))])

    def square(self, share: float = 0.6) -> Box:
        """A large square in the side, for one image, with room over it for a line of text."""
        side = self.boxes.side
        upright = side.height > side.width
        part = side.rows(share, 1 - share)[0] if upright else side.columns(share - 0.18, 1.18 - share)[0]
        part = part._replace(top=part.top - 1.4 * self.page.em("legend"))
        size, (x, y) = min(part.width, part.height), part.center
        return Box(x - size / 2, x + size / 2, y - size / 2, y + size / 2)

    def strip(self) -> list[Box]:
        """Eleven small squares in the rest of it."""
        side = self.boxes.side
        upright = side.height > side.width
        part = side.rows(0.6, 0.4)[1] if upright else side.columns(0.42, 0.58)[1]
        return part.squares(TILES, lines=2 if upright else 3)

    def decoded_at(self, places: np.ndarray) -> np.ndarray:
        """(1, K, C, H, W): of the decoded sheet the images nearest to places (K, 2)."""
        run = self.run
        column = np.abs(np.asarray(run["sheet_x"])[:, None] - places[:, 0]).argmin(0)
        row = np.abs(np.asarray(run["sheet_y"])[:, None] - places[:, 1]).argmin(0)
        return np.asarray(run["sheet"])[row, column][None]

    def tiles(self, values: np.ndarray, *texts: Any, chains: int = 0) -> list[Any]:
        """An image for each class in the side, its name and colour round it, texts above them."""
        count, theme, em = chains or values.shape[1], self.theme, self.page.em("legend")
        side = self.boxes.side
        head = self.page.stack(side, *texts, gap=0.3)
        body = side._replace(top=head[-1].get_bottom()[1] - 0.3, bottom=side.bottom + 1.25 * em)
        wide = body.width / body.height
        columns = min(count, 5 if wide > 1.4 else 4 if wide > 0.75 else 3)
        made: list[Any] = list(head)
        for k, box in enumerate(body.squares(count, gap=1.5 * em, lines=-(-count // columns))):
            color = class_colors(theme, len(self.names))[k % len(self.names)]
            grid = image_grid(values, box, theme=theme, rows=1, cols=1, chains=[k]).set_z_index(1)
            said = escaped(self.names[k % len(self.names)])
            name = self.page.label(said, box.center[0], box.bottom - 1.05 * em, 0, "legend")
            strong = self.asked is None or self.asked == k
            made += [grid, frame(box, color, 0.06 if strong else 0.02).set_z_index(3), name]
        return made
