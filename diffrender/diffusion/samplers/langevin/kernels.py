"""Steps of the Langevin samplers as compiled loops over a density that is `Compiled`: whole blocks of moves at once.

Densities are asked in double precision; states and what is recorded of moves are single, as where torch makes them.
All arrays are (B, N, D): moves, chains, coordinates; states are (B + 1, N, D), and their first row is given. Each
function returns how many of its rows are finite: B + 1 of all.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from diffrender.diffusion.targets.densities.kernels import log_prob_and_score

LARGEST_LOG = 80.0  # as of `base.metropolis`, which this module does not import: it is compiled and cached by itself


@nb.njit(cache=True, nogil=True)
def follow_langevin(families, log_weights, data, step_size, kicks, states, drifts):
    """x' = x + step_size·∇log p(x) + kick."""
    count, chains, dim = kicks.shape
    logs, slopes = np.empty(len(families)), np.empty((len(families), dim))
    x, score, size = np.empty(dim), np.empty(dim), np.float32(step_size)
    for i in range(count):
        for n in range(chains):
            for d in range(dim):
                x[d] = states[i, n, d]
            log_prob_and_score(families, log_weights, data, x, logs, slopes, score)
            for d in range(dim):
                drift = size * np.float32(score[d])
                drifts[i, n, d] = drift
                states[i + 1, n, d] = np.float32(states[i, n, d] + drift) + kicks[i, n, d]
                if not math.isfinite(states[i + 1, n, d]):
                    return i + 1
    return count + 1


@nb.njit(cache=True, nogil=True)
def follow_mala(families, log_weights, data, step_size, kicks, uniforms, states, drifts, proposals, ratios, accepted):
    """The same move as a proposal, and its Metropolis test; uniforms, ratios, accepted: (B, N)."""
    count, chains, dim = kicks.shape
    logs, slopes = np.empty(len(families)), np.empty((len(families), dim))
    at, score, there = np.empty(dim), np.empty(dim), np.empty(dim)
    size = np.float32(step_size)
    for n in range(chains):
        for d in range(dim):
            at[d] = states[0, n, d]
        log_p = log_prob_and_score(families, log_weights, data, at, logs, slopes, score)
        for i in range(count):
            forth = back = 0.0
            for d in range(dim):
                drifts[i, n, d] = size * np.float32(score[d])
                proposals[i, n, d] = np.float32(states[i, n, d] + drifts[i, n, d]) + kicks[i, n, d]
                at[d] = proposals[i, n, d]
            log_new = log_prob_and_score(families, log_weights, data, at, logs, slopes, there)
            for d in range(dim):
                forth += np.float64(kicks[i, n, d]) ** 2
                back += (np.float64(states[i, n, d]) - proposals[i, n, d] - step_size * there[d]) ** 2
            taken, ratios[i, n] = _test(log_new - log_p + (forth - back) / (4 * step_size), uniforms[i, n])
            accepted[i, n] = taken
            if not _move(states[i, n], proposals[i, n], taken, states[i + 1, n], score, there):
                return i + 1
            log_p = log_new if taken else log_p
    return count + 1


@nb.njit(cache=True, nogil=True)
def follow_baoab(families, log_weights, data, step_size, keep, normals, states, momenta, paths):
    """BAOAB: momenta (B + 1, N, D) are those at the states, the first row given; paths (B, N, 3, D); keep: e^(−γh)."""
    count, chains, dim = normals.shape
    logs, slopes = np.empty(len(families)), np.empty((len(families), dim))
    x, score = np.empty(dim), np.empty(dim)
    half, gone, fresh = np.float32(step_size / 2), np.float32(keep), np.float32(math.sqrt(1 - keep * keep))
    for n in range(chains):
        for d in range(dim):
            x[d] = states[0, n, d]
        log_prob_and_score(families, log_weights, data, x, logs, slopes, score)
        for i in range(count):
            for d in range(dim):
                v = momenta[i, n, d] + half * np.float32(score[d])
                middle = states[i, n, d] + half * v
                v = gone * v + fresh * normals[i, n, d]
                states[i + 1, n, d] = middle + half * v
                paths[i, n, 0, d], paths[i, n, 1, d], paths[i, n, 2, d] = states[i, n, d], middle, states[i + 1, n, d]
                momenta[i + 1, n, d] = v
                x[d] = states[i + 1, n, d]
                if not math.isfinite(states[i + 1, n, d]):
                    return i + 1
            log_prob_and_score(families, log_weights, data, x, logs, slopes, score)
            for d in range(dim):
                momenta[i + 1, n, d] += half * np.float32(score[d])
    return count + 1


@nb.njit(cache=True, nogil=True)
def follow_hmc(families, log_weights, data, step_size, momenta, uniforms, states, paths, ends, ratios, accepted):
    """Leapfrog paths (B, N, L + 1, D) from momenta (B, N, D) to `ends`, and their Metropolis tests."""
    count, chains, dim = momenta.shape
    logs, slopes = np.empty(len(families)), np.empty((len(families), dim))
    x, score, slope, v = np.empty(dim), np.empty(dim), np.empty(dim), np.empty(dim, np.float32)
    size, half = np.float32(step_size), np.float32(step_size / 2)
    for n in range(chains):
        for d in range(dim):
            x[d] = states[0, n, d]
        log_p = log_prob_and_score(families, log_weights, data, x, logs, slopes, score)
        for i in range(count):
            before = after = 0.0
            for d in range(dim):
                paths[i, n, 0, d], v[d], slope[d] = states[i, n, d], momenta[i, n, d], score[d]
                before += np.float64(v[d]) ** 2
            log_new = log_p
            for k in range(1, paths.shape[2]):
                for d in range(dim):
                    v[d] += half * np.float32(slope[d])
                    paths[i, n, k, d] = paths[i, n, k - 1, d] + size * v[d]
                    x[d] = paths[i, n, k, d]
                log_new = log_prob_and_score(families, log_weights, data, x, logs, slopes, slope)
                for d in range(dim):
                    v[d] += half * np.float32(slope[d])
            for d in range(dim):
                ends[i, n, d] = v[d]
                after += np.float64(v[d]) ** 2
            taken, ratios[i, n] = _test(log_new - log_p + (before - after) / 2, uniforms[i, n])
            accepted[i, n] = taken
            if not _move(states[i, n], paths[i, n, -1], taken, states[i + 1, n], score, slope):
                return i + 1
            log_p = log_new if taken else log_p
    return count + 1


@nb.njit(cache=True, nogil=True)
def _test(log_ratio, uniform):
    """Whether a proposal is taken, and the logarithm of the Metropolis ratio that is kept; NaN refuses."""
    ratio = -LARGEST_LOG if math.isnan(log_ratio) else min(max(log_ratio, -LARGEST_LOG), LARGEST_LOG)
    return uniform < np.float32(math.exp(ratio)), np.float32(ratio)


@nb.njit(cache=True, nogil=True)
def _move(here, proposal, taken, after, score, score_there):
    """The state after a test and its score, each in place, all of (D,); whether it is finite."""
    for d in range(len(here)):
        after[d] = proposal[d] if taken else here[d]
        if not math.isfinite(after[d]):
            return False
        if taken:
            score[d] = score_there[d]
    return True
