"""Langevin Monte Carlo and its kin: why noise, the steps of one chain, its histogram; many chains, with and without."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from diffrender.animation import (
    MOVING_TEXT,
    ChainsInSpaceScene,
    Magnifier,
    Recording,
    RenderError,
    SceneOptions,
    captions,
    check_moves,
    escaped,
    pick_first,
)

OTHERS = ("mala", "underdamped", "hmc", "annealed")
Act = Literal["hill", "chain", "zoom", "histogram", "many", "still", "annealing"]
COOLING = ("hill", "annealing")  # acts of a sampler whose noise level falls
MORE_TO_SEE = 1.6  # times as long a step of other samplers is looked at: more happens in it
TRAIL, TRAILS = 50, {"underdamped": 12, "hmc": 4}  # steps that are drawn behind a chain: the longer, the fewer
IN_SPACE = ("chain", "many")  # acts of densities in space
INERTIA = {"sampler.step_size": 0.25, "sampler.friction": 2.0}  # so much that every arrow of a step is seen
# Paths of length 1.5, some of which are refused. A mode of width s turns a path round in 2πs, and after a half or a
# whole turn it is as far from the mode as it began, whatever its momentum: 0.9 and 1.8 for the nose, 1.2 and 2.4 for
# the eyes (Neal 2011, section 5.4.3). So long ones end between these, far from all four.
LEAPFROG = 0.3
LEAPFROGS = 5
LONG_PATHS = {"sampler.step_size": LEAPFROG, "sampler.leapfrogs": LEAPFROGS}
# Random walks with steps of the same size: their momentum is new after every gradient.
WALK = {"sampler.kind": "hmc", "sampler.step_size": None, "sampler.leapfrogs": 1, "sampler.chains": 16}
ANNEALED = {
    "sampler.steps": 12,
    "sampler.inner_steps": 12,
    "sampler.step_size": 0.15,
    "schedule.kind": "geometric",
    "schedule.num_train_timesteps": 12,
    "schedule.sigma_min": 0.12,
    "schedule.sigma_max": 3.0,
    "record.density": True,
    "record.density_grid": [157, 115],
}
EQUATION = (
    "{{x_(t+1) : sum}} = {{x_t : state}} + {{tau nabla log p(x_t) : score}} + {{sqrt(2 tau) thin epsilon : noise}}"
)


class Langevin(ChainsInSpaceScene):
    """Langevin Monte Carlo on a density: why it needs noise, the steps of one chain, its histogram, many chains."""

    default_config = "langevin"
    shows = ("plane", "space")
    unused_options = ("trails", "points", "interpolate", "project")
    needs = {
        "chain": Recording(
            "langevin|reverse",
            {"model.kind": "exact", "sampler.kind": "ula", "sampler.steps": 120_000},
            fixed={
                "sampler.chains": 1,
                "record.keep": ["drift", "noise"],
                "record.every": 1,
                "record.density": True,
            },
            samplers={
                "ula": {},
                "mala": {},
                "underdamped": INERTIA,
                "hmc": {"sampler.steps": 12_000, "sampler.step_size": LEAPFROG, "sampler.leapfrogs": LEAPFROGS},
                "annealed": ANNEALED,
            },
        ),
        "many": Recording(
            "langevin|reverse",
            {"model.kind": "exact", "sampler.kind": "ula", "sampler.chains": 600},
            fixed={"sampler.steps": 400},
            samplers={
                "ula": {},
                "mala": {},
                "underdamped": INERTIA,
                "hmc": LONG_PATHS,
                "annealed": ANNEALED,
            },
            acts=("many", "still", "annealing"),
        ),
        "still": Recording(
            "langevin",
            {"model.kind": "exact", "sampler.chains": 600},
            fixed={"sampler.kind": "gradient", "sampler.steps": 400},
            acts=("hill", "still"),
        ),
        "several": Recording(
            "langevin",
            {"model.kind": "exact"},
            fixed={"record.every": 1, "record.keep": [], "record.density": False},
            samplers={
                "ula": {
                    "sampler.kind": "ula",
                    "sampler.step_size": None,
                    "sampler.chains": 16,
                    "sampler.steps": 60_000,
                },
                "underdamped": {
                    "sampler.kind": "underdamped",
                    "sampler.step_size": None,
                    "sampler.friction": None,
                    "sampler.chains": 16,
                    "sampler.steps": 60_000,
                },
                "hmc": {
                    "sampler.kind": "hmc",
                    "sampler.step_size": None,
                    "sampler.leapfrogs": None,
                    "sampler.chains": 16,
                    "sampler.steps": 12_000,
                },
            },
            beside=True,
            acts=("histogram",),
        ),
        "walk": Recording(
            "langevin",
            {"model.kind": "exact"},
            fixed={"sampler.steps": 60_000, "record.every": 1, "record.keep": [], "record.density": False},
            samplers={"underdamped": WALK, "hmc": WALK},
            beside=True,
            acts=("histogram",),
        ),
    }
    words = {  # where one form finds no room over its panel, the shorter one after the bar stands there
        "title": "Langevin Monte Carlo",
        "problem": "Draw from $p$, knowing only $nabla log p$|Draw from $p$ by $nabla log p$",
        "problem_mala": "A finite step biases a walk: test every move|Bias of steps: test each move",
        "problem_underdamped": "A random walk turns back: add momentum|Walks turn back: momentum",
        "problem_hmc": "A random walk is slow: take long paths|Walks are slow: long paths",
        "density": "True density $p(x)$|True $p(x)$",
        "hill": "Without noise: uphill on $log p$|Without noise",
        "hill_beside": "Gradient ascent alone: uphill on $log p$|Gradient ascent alone|Gradient ascent",
        "height": "height: $log p$, flat where $p$ is almost 0|height: $log p$, flat where $p approx 0$",
        "stuck": "Stuck on the nearest top|Stuck on a top",
        "with_momentum": "With momentum, from the same start|With momentum, same start|With momentum",
        "goes_on": "With momentum it goes on|It goes on",
        "hill_bowl": "The gradient alone: downhill on $-log p$|The gradient alone",
        "height_bowl": "height: $-log p$, flat where $p$ is almost 0|height: $-log p$, flat where $p approx 0$",
        "stuck_bowl": "Stuck at the nearest bottom|Stuck at a bottom",
        "over_bowl": "With momentum, from the same start: out of the bowl|With momentum: out of the bowl",
        "wander": "With noise it goes on|With noise",
        "same_start": "With noise, from the same start, it goes on|With noise, same start|With noise",
        "not_stuck": "With noise it is not stuck|Not stuck",
        "not_stuck_beside": "It is not stuck|Not stuck",
        "another": "Another chain, of {:,} steps|Another, longer chain|Another chain",
        "taken_apart": "One step of this chain|One step",
        "changed": "One step in five parts: BAOAB|One step: BAOAB",
        "proposed": "Accepted if a uniform draw $u <$ {}|Accepted if $u <$ {}|{}",
        "rule": "Accepted if $u < A$",
        "energy": "$Delta H = H(x', v') - H(x, v)$",
        "uniform": "uniform $u =$ {:.3f}",
        "scaled": "arrows: $v times {:.2g}$",
        "noise": "noise",
        "drawn_noise": "noise $sqrt(2 tau) thin epsilon$|noise",
        "sum": "sum",
        "velocity": "velocity $v$|velocity",
        "fresh": "fresh random momentum $v$|random $v$",
        "kick": "gradient $nabla log p$|$nabla log p$",
        "half": "$h\\/2 thin nabla log p$",
        "friction": "friction $(e^(-gamma h) - 1) v$|friction",
        "shaken": "$(1 - e^(-2 gamma h))^(1\\/2) thin epsilon$|noise",
        "half_kick": "half kick",
        "half_a_kick": "½ kick",
        "half_a_drift": "½ drift",
        "slowed": "friction",
        "path": "its path",
        "taken": "accepted",
        "refused": "rejected",
        "why_energy": "Leapfrog conserves $H$ only approximately: hence the test|"
        "Leapfrog nearly conserves $H$: hence a test|Hence the test",
        "why_step": "A finite step $tau$ biases: hence the test|Hence the test",
        "again": "$x_t$ counts again|again $x_t$",
        "moved_on": "$x_(t+1) = x'$",
        "tally": "{:,} of {:,} accepted|{:,} of {:,}",
        "visited": "Histogram of {:,} visited states|{:,} visited states|{:,} states",
        "visited_longer": "A longer chain: {:,} visited states|A longer chain: {:,} states|{:,} states",
        "variation": "total variation of the visited states to $p$|total variation to $p$|total variation",
        "counted_in": "$n$ states, counted in {} × {} bins|$n$ states, {} × {} bins|$n$ states",
        "independent": "as many independent draws of $p$|as many independent draws|independent draws|i.i.d. draws",
        "correlation": "correlation of $x$; 2 × area: {} per draw|correlation; 2 × area: {} per draw|"
        "correlation of $x$",
        "in_gradients": "gradients",
        "in_steps": "steps",
        "later": "{} later",
        "per_draw": "{}: {:,} ± {:,} per independent draw|{}: {:,} ± {:,} per draw|{}: {:,} ± {:,}|{1:,} ± {2:,}",
        "worth": "{:,} ± {:,} gradients are worth 1 independent draw (for the mean of $x$)|"
        "{:,} ± {:,} gradients are worth 1 independent draw|{:,} ± {:,} gradients are worth 1 draw|"
        "{:,} ± {:,} gradients ≈ 1 draw",
        "worth_in_steps": "{:,} ± {:,} steps are worth 1 independent draw (for the mean of $x$)|"
        "{:,} ± {:,} steps are worth 1 independent draw|{:,} ± {:,} steps are worth 1 draw|{:,} ± {:,} steps ≈ 1 draw",
        "walks": "a random walk needs {:,} ± {:,}",
        "walk": "walk",
        "walk_is": "walk: one leapfrog step of {:g}, {} chains",
        "walk_is_beside": "walk: HMC, one leapfrog step of {:g}, {} chains",
        "against": "1 independent draw: {:,} ± {:,} gradients; a walk: {:,} ± {:,}|"
        "1 draw: {:,} ± {:,} gradients; a walk: {:,} ± {:,}|1 draw: {0:,} gradients; a walk: {2:,}|"
        "{0:,} gradients; a walk: {2:,}|{0:,}; a walk: {2:,}",
        "missed": "Only {} of {} modes visited: the chain is too short|Only {} of {} modes visited|{} of {} modes",
        "short": "{:,} steps are too few to tell a bias: 1 draw takes {:,}|{0:,} steps are too few to tell a bias",
        "visited_shares": "Visited: shares and $sigma$ (true ones)|Shares and $sigma$ (true)|Share, $sigma$ (true)",
        "visited_shares_alone": "Visited: shares (true ones)|Shares (true)",
        "wide": "Modes {:.1f} ± {:.1f} % too wide, because the step $tau$ is finite|"
        "Modes {:.1f} ± {:.1f} % too wide: $tau$ is finite",
        "narrow": "Modes {:.1f} ± {:.1f} % too narrow, because the step $tau$ is finite|"
        "Modes {:.1f} ± {:.1f} % too narrow: $tau$ is finite",
        "apart": "Width of modes {:+.1f} ± {:.1f} % from the true one|Width of modes {:+.1f} ± {:.1f} %",
        "unbiased": "No bias is found: width of modes {:+.1f} ± {:.1f} %|"
        "No bias found: width {:+.1f} ± {:.1f} %|Width {:+.1f} ± {:.1f} %",
        "slow": "$v$ is too slow: mean $½ thin norm(v)^2 =$ {:.2f}, not 1|"
        "$v$ too slow: $½ thin norm(v)^2 =$ {:.2f}, not 1",
        "fast": "$v$ is too fast: mean $½ thin norm(v)^2 =$ {:.2f}, not 1|"
        "$v$ too fast: $½ thin norm(v)^2 =$ {:.2f}, not 1",
        "kept": "$x$, which we keep: no bias found (width of modes {:+.1f} ± {:.1f} %)|"
        "$x$: no bias found (width {:+.1f} ± {:.1f} %)|$x$: width {:+.1f} ± {:.1f} %",
        "crowd": "{:,} chains, coloured by where they start|{:,} chains, coloured by start|{:,} chains",
        "crowd_alone": "With noise, {:,} chains|With noise",
        "crowd_counted": "With noise: shares ± {1:.0f} %, $sigma$ ± {2:.2f} (true ones)|"
        "With noise: share ± {1:.0f} %, $sigma$ ± {2:.2f} (true)|Share ± {1:.0f} %, $sigma$ ± {2:.2f} (true)|"
        "Share, $sigma$ (true)",
        "crowd_shares": "With noise: shares ± {1:.0f} % (true ones)|Shares ± {1:.0f} % (true)|Shares (true)",
        "wasserstein": "sliced Wasserstein distance to $p$|sliced Wasserstein to $p$|sliced $W_2$ to $p$",
        "floor": "two true samples of {0:,}: {1}|two true samples: {1}|{1}",
        "steps": "step",
        "straight": "interpolated between steps",
        "same": "same starts",
        "ends": "sliced Wasserstein distance to $p$ {0:.3f}, two true samples {1}|sliced Wasserstein {0:.3f}, "
        "two true samples {1}|sliced $W_2$ {0:.3f}, two true samples {1}|sliced $W_2$ {0:.3f}, true samples {1}|"
        "sliced $W_2$ {0:.3f} ({1})|sliced $W_2$ {0:.2f} ({2})",
        "ends_off": "not $p$: sliced Wasserstein {0:.3f}, two true samples {1}|not $p$: sliced $W_2$ {0:.3f}, "
        "two true samples {1}|not $p$: sliced $W_2$ {0:.3f}, true samples {1}|not $p$: sliced $W_2$ {0:.3f} ({1})|"
        "not $p$: sliced $W_2$ {0:.2f} ({2})|"
        "sliced $W_2$ {0:.2f} ({2})",
        "ellipses": "$sigma$, ellipses: deviation per axis; dashed: true",
        "stuck_at": "Without noise: {0:,} chains on {1} points|Without noise: on {1} points|On {1} points",
        "stuck_chains": "Without noise, {:,} chains|Without noise",
        "crowd_alone_beside": "{1}, {0:,} chains|{1}",
        "crowd_counted_beside": "{0}: shares ± {1:.0f} %, $sigma$ ± {2:.2f} (true ones)|"
        "{0}: share ± {1:.0f} %, $sigma$ ± {2:.2f} (true)|Share ± {1:.0f} %, $sigma$ ± {2:.2f} (true)|"
        "Share, $sigma$ (true)",
        "crowd_shares_beside": "{0}: shares ± {1:.0f} % (true ones)|Shares ± {1:.0f} % (true)|Shares (true)",
        "stuck_chains_beside": "Gradient ascent, {:,} chains|Gradient ascent",
        "stuck_at_beside": "Gradient ascent: {0:,} chains on {1} points|Gradient ascent: on {1} points|On {1} points",
        "cooled": "$p_t$, chains coloured by where they end|Chains on $p_t$, coloured by their end|$p_t$ and chains",
        "temperature": "Noise level, the temperature: $sigma_t =$ {:.2f}|Temperature $sigma_t =$ {:.2f}",
        "one": "one chain",
        "draws": "draws of $p$",
        "chains": "{:,} chains",
        "own_top": "colour as $p_t^0.7$, up to each level's own top|colour as $p_t^0.7$",
    }

    class Options(SceneOptions):
        """What is shown, and how fast."""

        pause: float = Field(2.5, ge=0, le=60, description="seconds that the first picture stands")
        acts: tuple[Act, ...] = Field(("hill", "chain", "zoom", "histogram", "many", "still"), min_length=1)
        duration: float = Field(0.0, ge=0, le=600, description="seconds that all acts move; 0: each its own")
        slow_steps: int = Field(3, ge=1, le=12, description="steps taken apart slowly, before they speed up")
        trail: int = Field(
            0, ge=0, le=1000, description="the last so many steps of the chain are drawn; 0: as suits the sampler"
        )
        bins: int = Field(69, ge=8, le=400, description="columns of the histogram at its finest")
        hill_seconds: float = Field(7.5, gt=0)
        chain_seconds: float = Field(4.0, gt=0)
        histogram_seconds: float = Field(9.0, gt=0)
        many_seconds: float = Field(6.5, gt=0)
        still_seconds: float = Field(3.5, gt=0)
        annealing_seconds: float = Field(14.0, gt=0)

    def construct(self) -> None:
        """The storyboard."""
        run, page, options = self.run, self.page, self.options
        check_moves(run)
        if flat := run.event == (2,):
            self.lay_out(run)
        said = run.meta.get("sampler") or {}
        equation = said.get("equation") or EQUATION
        state = {"state": "fg"} if ": state}}" in equation else {}
        self.equation = page.equation(equation, **state).set_z_index(MOVING_TEXT)
        self.plain = said.get("name") not in OTHERS
        name = said.get("title", "") if said.get("name") in OTHERS else ""  # the scene is called after the plainest
        short = name.partition(" (")[0]  # what stands in brackets is said where its steps are shown
        self.title = escaped(short[:1].upper() + short[1:]) or self.words["title"]
        if name and "title" not in options.model_fields_set:
            self.titled = captions.sampler(run)
        acts = self.acts()
        slow = min(options.slow_steps, run.steps)
        looked = Magnifier.planned(slow) * (MORE_TO_SEE if name else 1.0)
        own = {act: getattr(options, f"{act}_seconds", looked) for act in acts}
        faster = options.speed * (sum(own.values()) / options.duration if options.duration else 1.0)
        self.lasts = {act: seconds / faster for act, seconds in own.items()}
        if not flat:
            self.in_space(acts)
            self.outro()
            return
        self.trail = options.trail or TRAILS.get(said.get("name", ""), TRAIL)
        self.looked, self.one = run, self.chain_of(run)
        self.seen = self.one
        self.tail = [f"last {self.trail:,} steps shown"] if page.shape == "wide" else []  # words go before sizes
        self.first = self.now = pick_first(run, slow, self.density.box)  # now: the step to which the chain has come
        self.poster()
        for act in acts:
            self.next_act(act)
            getattr(self, act)()
        self.outro()

    def acts(self) -> tuple[str, ...]:
        """The acts that are asked for; if none are, all that there are of such a run. RenderError for any other."""
        run, options, name = self.run, self.options, captions.sampler(self.run)
        of, there = name, tuple(act for act in get_args(Act) if act != "annealing")
        if run.event == (3,):
            of, there = "a density in space", IN_SPACE
        elif run.kind == "reverse":
            there = COOLING
        if "acts" not in options.model_fields_set:
            return there
        if other := next((act for act in options.acts if act not in there), ""):
            raise RenderError(f"acts: '{other}' is not shown of {of}.", f"Its acts: {', '.join(there)}.")
        return tuple(options.acts)

    def poster(self) -> None:
        """What it will come to: the density, and beside it all that one chain has visited."""
        run = self.run
        if run.kind == "reverse":
            clock, places = self.annealed()
            clock.show(1)
            self.places |= places
            shown = [mob for mobjects in places.values() for mob in mobjects]
            self.intro(*self.header(self.title, self.equation), ground=[*self.density.mobjects, *shown])
            return
        cells = self.histogram_of(run, self.options.bins)
        cells.show_step(run.steps)
        self.one.show_step(run.steps)
        self.places |= {
            "left": self.one.mobjects, "label": [self.label("density", self.left)], "ground": self.ground,
            "right": cells.mobjects, "name": [self.label("visited", self.right, run.steps)],
            "key": [*self.color_key(), *self.problem(run)], "footer": self.footer(run),
        }  # fmt: skip
        shown = [mob for mobjects in self.places.values() for mob in mobjects]
        self.intro(*self.header(self.title, self.equation), ground=[*self.density.mobjects, *shown])
