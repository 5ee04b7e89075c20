"""A hint to the processor, for loops whose next reads are known long before they are due."""
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

__all__ = ["prefetch"]


@intrinsic
def prefetch(typing_context, array, index):
    """Begin to move entry `index` of a flat array into the cache; any index will do."""
    def generate(context, builder, signature, arguments):
        data = make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        flags = [context.get_constant(types.int32, flag) for flag in (0, 3, 1)]  # to read, into all caches, data
        hint = ir.FunctionType(ir.VoidType(), [address.type, *(flag.type for flag in flags)])
        builder.call(builder.module.declare_intrinsic("llvm.prefetch", [address.type], hint), [address, *flags])
        return context.get_dummy_value()

    return types.void(array, index), generate
