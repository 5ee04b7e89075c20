"""Eight numbers at a time: what fits into one vector register, or into a few smaller ones, as a value in a kernel.

Loops over many numbers become vector code by themselves. Loops over ten or thirty hardly gain from it: before they
start, they check whether the arrays overlap and how many rounds there are. With these functions nothing is checked.
"""
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model
from numba.np.arrayobj import make_array

from ..jit import step

__all__ = ["LANES", "add_scaled", "aligned", "load", "repeated", "scaled", "store"]

LANES = 8

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)


class _Lanes(types.Type):
    def __init__(self):
        super().__init__("Lanes")


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, lanes):
        super().__init__(manager, lanes, _VECTOR)


_lanes = _Lanes()


def _address(context, builder, array_type, array, index):
    data = make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


def _repeated(builder, number):
    single = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(single, ir.Constant(_VECTOR, ir.Undefined), first)


@step
def aligned(count):
    """An array of so many float64, not initialized, that starts where a line of the cache does."""
    array = np.empty(count + LANES)
    first = -(array.ctypes.data // 8) % LANES
    return array[first:first + count]


@intrinsic
def load(typing_context, array, index):
    """Entries index, index + 1, ... of a flat array; not checked."""
    def generate(context, builder, signature, arguments):
        return builder.load(_address(context, builder, signature.args[0], *arguments), align=8)

    return _lanes(array, index), generate


@intrinsic
def store(typing_context, array, index, x):
    """Make x the entries index, index + 1, ... of a flat array; not checked."""
    def generate(context, builder, signature, arguments):
        builder.store(arguments[2], _address(context, builder, signature.args[0], *arguments[:2]), align=8)
        return context.get_dummy_value()

    return types.void(array, index, x), generate


@intrinsic
def repeated(typing_context, number):
    """A number, in all places."""
    def generate(context, builder, signature, arguments):
        return _repeated(builder, arguments[0])

    return _lanes(types.float64), generate


@intrinsic
def scaled(typing_context, factor, x):
    """factor * x"""
    def generate(context, builder, signature, arguments):
        return builder.fmul(_repeated(builder, arguments[0]), arguments[1])

    return _lanes(types.float64, x), generate


@intrinsic
def add_scaled(typing_context, total, factor, x):
    """total + factor * x, rounded once where the processor can."""
    def generate(context, builder, signature, arguments):
        total, factor, x = arguments
        product = builder.fmul(_repeated(builder, factor), x, flags=["contract"])
        return builder.fadd(total, product, flags=["contract"])

    return _lanes(total, types.float64, x), generate
