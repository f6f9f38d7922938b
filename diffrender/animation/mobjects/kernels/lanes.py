"""Eight pixels at a time: what numba does not find by itself, since it widens 32-bit integers to 64 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

LANES = 8
_I32, _I16 = ir.IntType(32), ir.IntType(16)
_PIXELS, _PARTS, _CHANNELS = ir.VectorType(_I32, LANES), ir.VectorType(_I16, LANES), ir.VectorType(_I16, 2 * LANES)


def _all(kind: Any, value: int) -> ir.Constant:
    return ir.Constant(kind, [value] * kind.count)


def _splat(builder: Any, value: Any) -> Any:
    nothing = ir.Constant(_PIXELS, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, nothing, _all(_PIXELS, 0))


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
        """LLVM for eight pixels: load them, mix every second channel of all in one multiplication of 16 bits, store."""
        b = builder
        frame_value, at_value, parts_value, p_value, color_value, alpha_value = arguments
        frame_array = context.make_array(signature.args[0])(context, b, frame_value)
        parts_array = context.make_array(signature.args[2])(context, b, parts_value)
        to, pixels = _load(b, frame_array, at_value, _PIXELS, 4)
        _, part = _load(b, parts_array, p_value, _PARTS, 2)
        part = b.lshr(b.mul(b.zext(part, _PIXELS), _splat(b, alpha_value)), _all(_PIXELS, 8))
        part = b.bitcast(b.or_(part, b.shl(part, _all(_PIXELS, 16))), _CHANNELS)  # of both channels in each half
        below, above = b.bitcast(pixels, _CHANNELS), b.bitcast(_splat(b, color_value), _CHANNELS)
        rest, low, eight = b.sub(_all(_CHANNELS, 256), part), _all(_CHANNELS, 0xFF), _all(_CHANNELS, 8)

        def mixed(under: Any, over: Any) -> Any:
            """At most 255 · 256 + 128: no channel runs over into the next."""
            return b.add(b.add(b.mul(under, rest), b.mul(over, part)), _all(_CHANNELS, 128))

        even = b.lshr(mixed(b.and_(below, low), b.and_(above, low)), eight)
        odd = b.and_(mixed(b.lshr(below, eight), b.lshr(above, eight)), _all(_CHANNELS, 0xFF00))
        stored = b.store(b.bitcast(b.or_(even, odd), _PIXELS), to)
        stored.align = 4
        return context.get_dummy_value()

    return types.void(frame, types.uint64, parts, types.uint64, types.uint32, types.uint32), codegen


def padded(width: np.ndarray) -> np.ndarray:
    """Widths rounded up to whole groups of lanes."""
    return -(-width // LANES) * LANES
