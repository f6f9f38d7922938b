"""What the process with limits is asked to call in tests: a file of its own, which loads in no time."""

import os

import numpy as np


def spin(blob):
    while True:
        pass


def swell(blob):
    return {}, [np.ones(10**9)]


def fail(blob):
    raise KeyError("no")


def abort(blob):
    os.abort()


def echo(blob, n):
    return {"n": n}, [np.frombuffer(blob, np.uint8)]
