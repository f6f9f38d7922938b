"""A Langevin sampler of your own, for a config: `sampler: {kind: ./my_langevin.py:tempered}`."""

from diffrender import Level, Step


def tempered(density, x, noise, *, steps: int, step_size: float = 0.02, temperature: float = 1.0):
    """x + τ ∇log p(x) + √(2 τ T) ε: at a temperature T other than 1 it tends to p^(1/T).

    A sampler with three parameters follows a density, of which `density.score(x)` is known; `steps` comes from the
    config.
    """
    for i in range(steps):
        now, to = Level(1.0, 0.0, i * step_size), Level(1.0, 0.0, (i + 1) * step_size)
        drift = step_size * density.score(x)
        kick = (2 * step_size * temperature) ** 0.5 * noise(i)
        step = Step(i, now, to, x, x + drift + kick, i + 1, drift=drift, noise=kick)
        yield step
        x = step.x_next
