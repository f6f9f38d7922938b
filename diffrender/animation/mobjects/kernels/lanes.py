"""Eight pixels at a time: what numba does not find by itself, since it widens 32-bit integers to 64 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

LANES = 8
_I32, _I16 = ir.IntType(32), ir.IntType(16)
_PIXELS, _PARTS = ir.VectorType(_I32, LANES), ir.VectorType(_I16, LANES)


def _all(value: int) -> ir.Constant:
    return ir.Constant(_PIXELS, [value] * LANES)


def _splat(builder: Any, value: Any) -> Any:
    nothing = ir.Constant(_PIXELS, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, nothing, _all(0))


def _load(builder: Any, array: Any, index: Any, kind: Any, align: int) -> tuple[Any, Any]:
    pointer = builder.bitcast(builder.gep(array.data, [index]), kind.as_pointer())
    loaded = builder.load(pointer)
    loaded.align = align
    return pointer, loaded


@intrinsic
def mix_lanes(typing: Any, frame: Any, at: Any, parts: Any, p: Any, color: Any, alpha: Any) -> Any:
    """Lay a colour over the pixels frame[at : at + LANES] as `blend.mix` would, with the parts (parts · alpha) / 256.

    frame: contiguous uint32, parts: contiguous uint16 of 0..256, color: uint32, alpha: uint32 of 0..256; at and p:
    uint64, not checked.
    """

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """LLVM for eight pixels: load them, mix two channels in one multiplication, store them."""
        b = builder
        frame_value, at_value, parts_value, p_value, color_value, alpha_value = arguments
        frame_array = context.make_array(signature.args[0])(context, b, frame_value)
        parts_array = context.make_array(signature.args[2])(context, b, parts_value)
        to, below = _load(b, frame_array, at_value, _PIXELS, 4)
        _, part = _load(b, parts_array, p_value, _PARTS, 2)
        above, pair, half, eight = _splat(b, color_value), _all(0x00FF00FF), _all(0x00800080), _all(8)
        part = b.lshr(b.mul(b.zext(part, _PIXELS), _splat(b, alpha_value)), eight)
        rest = b.sub(_all(256), part)

        def mixed(low: Any, high: Any) -> Any:
            sums = b.add(b.mul(b.and_(low, pair), rest), b.mul(b.and_(high, pair), part))
            return b.add(sums, half)

        even = b.and_(b.lshr(mixed(below, above), eight), pair)
        odd = b.and_(mixed(b.lshr(below, eight), b.lshr(above, eight)), _all(0xFF00FF00))
        stored = b.store(b.or_(even, odd), to)
        stored.align = 4
        return context.get_dummy_value()

    return types.void(frame, types.uint64, parts, types.uint64, types.uint32, types.uint32), codegen


def padded(width: np.ndarray) -> np.ndarray:
    """Widths rounded up to whole groups of lanes."""
    return -(-width // LANES) * LANES
