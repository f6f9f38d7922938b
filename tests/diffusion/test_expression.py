"""log p from a config: right values and slopes for what is allowed, a clear refusal for what is not."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from diffrender.config.sections import TargetConfig
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.targets.build import build_target
from diffrender.diffusion.targets.densities.catalogue import DENSITIES


def make(log_p, **params):
    return DENSITIES["expression"].make(log_p=log_p, **params)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-(x**2 + y**2 - 1)**2", lambda x, y: -((x**2 + y**2 - 1) ** 2)),
        ("-3*(sqrt(x**2 + y**2) - 1.5)**2/2e0", lambda x, y: -1.5 * (np.hypot(x, y) - 1.5) ** 2),
        (
            "logaddexp(-x**2*4 - (y-1)**2, -4*(x - 1)**2 - y**2)",
            lambda x, y: np.logaddexp(-4 * x**2 - (y - 1) ** 2, -4 * (x - 1) ** 2 - y**2),
        ),
        ("+sin(pi*x) - x**2 - abs(y)**(3/2)", lambda x, y: np.sin(np.pi * x) - x**2 - np.abs(y) ** 1.5),
        ("\n  -cosh(x) - maximum(y**2,\n 1) * 2 + e ", lambda x, y: -np.cosh(x) - 2 * np.maximum(y**2, 1) + np.e),
    ],
)
def test_values_are_those_of_the_formula(text, value):
    x = np.random.default_rng(0).normal(size=(100, 2))
    log_p, score = make(text).evaluate(torch.from_numpy(x))
    assert np.allclose(log_p.numpy(), value(*x.T), atol=1e-12)
    h = 1e-6
    for d in range(2):
        step = h * np.eye(2)[d]
        slope = (value(*(x + step).T) - value(*(x - step).T)) / (2 * h)
        assert np.allclose(score[:, d].numpy(), slope, rtol=1e-4, atol=1e-6)


def test_dimension_is_that_of_the_last_variable():
    assert make("-x**4 + x").dim == 1
    assert make("-x**2 - y**2").dim == 2
    assert make("-x**2 - y**2 - z**2").dim == 3


@pytest.mark.parametrize("scale", [0.2, 1, 5, 9])
def test_the_box_is_fitted_to_p(scale):
    density = make(f"-(x**2 + y**2/4)/2/{scale}**2")
    x0, x1, y0, y1 = density.box
    assert 3.9 * scale < x1 < 8 * scale
    assert 7.8 * scale < y1 < 12 * scale
    assert (x0, y0) == pytest.approx((-x1, -y1))
    assert float(density.prob(torch.zeros(1, 2, dtype=torch.float64))) == pytest.approx(
        1 / (4 * np.pi * scale**2), rel=1e-4
    )


def test_it_is_normalised_and_drawn_from_on_a_grid():
    density = make("-(x**2 + y**2)/2 + 17")
    at_zero = torch.zeros(1, 2, dtype=torch.float64)
    assert float(density.prob(at_zero)) == pytest.approx(1 / (2 * np.pi), rel=1e-4)
    assert density.peak == pytest.approx(1 / (2 * np.pi), rel=1e-4)
    draws = make("-(x**2 + y**2)*2").sample(50_000, np.random.default_rng(0))
    assert np.allclose(draws.std(0), 0.5, atol=0.01)


def test_a_score_where_autograd_is_off_and_where_there_is_a_kink():
    density = make("-(sqrt(x**2 + y**2) - 1)**2*4")
    with torch.inference_mode():
        score = density.score(torch.tensor([[2.0, 0.0], [0.0, 0.0]]))
    assert torch.allclose(score, torch.tensor([[-8.0, 0.0], [0.0, 0.0]]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("9**9**9**9*x", "too large"),
        ("x**1000", "a power of 1e\\+03 is too large"),
        ("x**y", "exponent must be a number"),
        ("10**-400*x", "too large"),
        ("1e999*x", "too large"),
        ("9" * 400 + "*x", "too large"),
        ("9" * 1999 + "*x", "too large|longer"),
        ("(" * 500 + "x" + ")" * 500, "deep|not an expression"),
        ("-" * 1500 + "x", "deep"),
        ("+".join(["x"] * 900), "deep"),
        ("x" * 3000, "longer than"),
        ("x.__class__", "'x.__class__' is not allowed"),
        ("x.__class__.__bases__[0].__subclasses__()", "is not allowed"),
        ("().__class__", "is not allowed"),
        ("__import__('os').system('true')", "is not allowed"),
        ("__import__('os')", "unknown function '__import__'"),
        ("open('/etc/passwd')", "unknown function 'open'"),
        ("eval(x)", "unknown function 'eval'"),
        ("exp(x, x)", "exp takes 1 argument, not 2"),
        ("atan2(x)", "atan2 takes 2 arguments, not 1"),
        ("exp(*x)", "is not allowed"),
        ("exp(input=x)", "is not allowed"),
        ("exp", "unknown name 'exp'"),
        ("lambda: x", "is not allowed"),
        ("[x for x in (1,)]", "is not allowed"),
        ("(y := x)", "is not allowed"),
        ("x if y else 1", "is not allowed"),
        ("x < 1", "is not allowed"),
        ("x @ y", "is not allowed"),
        ("x // 2", "is not allowed"),
        ("x[0]", "is not allowed"),
        ("'x'", "is not allowed"),
        ("f'{x}'", "is not allowed"),
        ("True*x", "is not allowed"),
        ("1j*x", "is not allowed"),
        ("-x^2", "written \\*\\*"),
        ("-sqr(x)", "Did you mean 'sqrt'"),
        ("-u**2", "unknown name 'u'"),
        ("import os", "not an expression"),
        ("-x**2;", "not an expression"),
        ("x\0", "not an expression"),
        ("", "not an expression"),
        ("3", "'x' does not appear"),
        ("-y**2", "'x' does not appear"),
        ("log(x) - x**2", "not a finite number at x = -"),
        ("1/abs(x) - x**2 + 0*log(x)", "not a finite number"),
        ("x**2 + y**2", "does not fall away"),
        ("-x**2/1e6 - y**2", "does not fall away"),
    ],
)
def test_hostile_and_wrong_expressions_are_refused_at_once(text, said):
    started = time.process_time()
    with pytest.raises(ConfigError, match=said) as refused:
        make(text)
    assert time.process_time() - started < 1.0
    assert str(refused.value).startswith("target.log_p: ")
    assert len(str(refused.value)) < 400


def test_a_box_must_fit_the_dimension():
    assert make("-x**2/50", box=(-40, 40)).bounds == ((-40, 40),)
    with pytest.raises(ConfigError, match=r"towards the edge of target\.box"):
        make("-x**2/50", box=(-3, 3))
    for box in [(-1, 1), (1, -1, -1, 1), (-1, 1, -1)]:
        with pytest.raises(ConfigError, match=r"target\.box"):
            make("-x**2 - y**2", box=box)


@pytest.mark.parametrize(
    ("log_p", "box", "said"),
    [
        ("-exp(800+x**2+y**2)", [-1, 1, -1, 1], "p is 0 on all of target.box"),
        ("-exp(800+x**2+y**2)", None, "p is 0 everywhere"),
        ("-1e300*(x**2+y**2)", None, "far narrower than the grid"),
        ("-(x**2+y**2)/1e-20", None, "far narrower than the grid"),
        ("-(x²+y²)", None, r"invalid character '²' \(U\+00B2\)"),
    ],
)
def test_a_density_that_is_nowhere_is_refused_and_hangs_nothing(log_p, box, said):
    params = {"log_p": log_p, **({} if box is None else {"box": box})}
    with pytest.raises(DiffrenderError, match=said):
        build_target(TargetConfig(kind="expression", **params), Path()).draw(10, np.random.default_rng(0))


@pytest.mark.parametrize(("kind", "key"), [("ring", "radius"), ("ring", "width")])
def test_parameters_beyond_all_bounds_are_refused_by_name(kind, key):
    for value in (1e300, -1e300, float("inf"), 10**400):
        with pytest.raises(DiffrenderError, match=rf"target\.{key}"):
            build_target(TargetConfig(kind=kind, **{key: value}), Path())
    build_target(TargetConfig(kind=kind, **{key: 0.5}), Path())  # the control
