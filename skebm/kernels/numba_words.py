"""Words of all streams at once, as vectors of the processor.

Compilers vectorise loops over many elements. The streams are four, and each word of
one waits for the last: written as a loop, noise takes half as long again, which is a
twentieth of a default fit of digits.
"""

__all__ = ["draw_words"]

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from skebm.kernels.numpy_random import N_STREAMS

_WORD = ir.IntType(64)
_WORDS = ir.VectorType(_WORD, N_STREAMS)
_ALIGNMENT = 8  # of the arrays, in bytes


@intrinsic
def draw_words(_, states, words, n_words):
    """Draw words of NumPy's SFC64 from each stream.

    Parameters
    ----------
    states : int
        Address of an array of shape (4, n_streams), as `sampling.random` seeds it;
        changed in place. This and the next must be contiguous.
    words : int
        Address of an array of shape (n_words, n_streams), of 64 bits; filled.
    n_words : int
        Number of words from each stream.
    """
    return types.void(states, words, n_words), _generate


def _generate(_, builder, _signature, arguments):
    """Give the compiler the instructions of `draw_words`."""
    states, words = (
        builder.inttoptr(address, _WORDS.as_pointer()) for address in arguments[:2]
    )
    rows = [builder.gep(states, [_WORD(i)]) for i in range(4)]
    # Variables, which it keeps in registers: the array could overlap the words.
    own = [
        cgutils.alloca_once_value(builder, builder.load(row, align=_ALIGNMENT))
        for row in rows
    ]
    with cgutils.for_range(builder, arguments[2]) as loop:
        a, b, c, counter = (builder.load(variable) for variable in own)
        word = builder.add(builder.add(a, b), counter)
        builder.store(word, builder.gep(words, [loop.index]), align=_ALIGNMENT)
        turned = builder.or_(
            _shifted(builder.shl, c, 24), _shifted(builder.lshr, c, 40)
        )
        after = (
            builder.xor(b, _shifted(builder.lshr, b, 11)),
            builder.add(c, _shifted(builder.shl, c, 3)),
            builder.add(turned, word),
            builder.add(counter, _WORDS([1] * N_STREAMS)),
        )
        for value, variable in zip(after, own, strict=True):
            builder.store(value, variable)
    for variable, row in zip(own, rows, strict=True):
        builder.store(builder.load(variable), row, align=_ALIGNMENT)


def _shifted(shift, words, n_bits):
    return shift(words, _WORDS([n_bits] * N_STREAMS))
