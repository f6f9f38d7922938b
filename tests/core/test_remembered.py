"""Results that are kept by what they were made from."""

import numpy as np
import pytest

from diffrender.core import remembered as module
from diffrender.core.remembered import remembered


@pytest.fixture
def calls(monkeypatch):
    monkeypatch.setattr(module, "RESULTS", {})
    return []


def test_equal_arguments_are_computed_once_and_others_anew(calls):
    @remembered
    def total(values, factor):
        calls.append(factor)
        return factor * sum(float(np.sum(each)) for each in values)

    a = np.arange(6.0).reshape(2, 3)
    assert total([a, a], 2) == total([a.copy(), a.copy()], 2) == 60
    assert len(calls) == 1
    others = [([a], 2), ([a, a], 3), ([a, a + 1], 2), ([a, a.T], 2), ([a, a.astype(np.float32)], 2), ([[a, a]], 2)]
    for args in others:
        total(*args)
    assert len(calls) == 1 + len(others)
    a[0, 0] = 5  # written to after it was asked for
    assert total([a, a], 2) == 80


def test_what_is_too_large_to_be_looked_at_is_not_kept(calls, monkeypatch):
    @remembered
    def size(values):
        calls.append(1)
        return values.size

    monkeypatch.setattr(module, "MOST_BYTES", 79)
    assert size(np.zeros(10)) == size(np.zeros(10)) == 10
    assert len(calls) == 2
    assert not module.RESULTS
