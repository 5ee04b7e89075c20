"""Functions that act on each entry alone, with NumPy's broadcasting.

Such a function has a diagonal derivative: for y = f(x) it is diag(f'(x)), and for y = f(a, b) with
operands of different shapes it is diag(df/da) times the broadcast of a, and likewise for b. So a function
is one row here: its name, its value, and the slope (for two operands, both slopes) given the operands and
the value.

Where a slope is not defined, this module says

* at a kink, a subgradient: 0 for ``absolute`` and ``hypot`` at 0; and where both arguments of ``maximum``
  or ``minimum`` are equal, 1 for each of them, as in chumpy, so that ``clip`` has slope 1 on its bounds
  too and a variable that starts on a bound can leave it;
* at a jump (``floor``, ``sign``, ...), nothing: these functions have no derivative at all
  (`PiecewiseConstant`);
* at a pole, what IEEE arithmetic says: ``sqrt`` has slope inf at 0, and products with that may be nan.

Values are NumPy's, its warnings included. Truth values count as the numbers 0 and 1.
"""
import math

import numpy as np
from scipy.special import expit

from ..memory import empty
from .linear_maps import Broadcast, Diagonal
from .node import Ch

__all__ = ["abs", "absolute", "acos", "acosh", "add", "arccos", "arccosh", "arcsin", "arcsinh", "arctan",
           "arctan2", "arctanh", "around", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil",
           "clip", "copysign", "cos", "cosh", "deg2rad", "degrees", "divide", "exp", "exp2", "expm1",
           "fabs", "fix", "float_power", "floor", "floor_divide", "fmax", "fmin", "fmod", "heaviside",
           "hypot", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "maximum", "minimum", "mod",
           "multiply", "nan_to_num", "NanDivide", "negative", "positive", "pow", "power", "rad2deg",
           "radians", "reciprocal", "remainder", "rint", "round", "round_", "sigmoid", "sign", "sin",
           "sinc", "sinh", "sqrt", "square", "subtract", "tan", "tanh", "true_divide", "trunc"]

LN2, LN10 = np.log(2.0), np.log(10.0)


def numbers(node):
    """The value of a node as float64, also of a truth value."""
    return node.r if node.r.dtype == np.float64 else node.r.astype(np.float64)


def scaled_broadcast(slope, from_shape, to_shape):
    """The linear map x -> slope * x, for `slope` of a shape that broadcasts, like x, to `to_shape`."""
    size = math.prod(to_shape)
    scale = Diagonal(slope if np.size(slope) == 1 else np.broadcast_to(slope, to_shape), size)
    return scale if math.prod(from_shape) == size else scale @ Broadcast(from_shape, to_shape)


# ---------------------------------------------------------------------- one operand

class Unary(Ch):
    """y = value(x), dy/dx = slope(x, y)."""

    dterms = "x"

    def compute_r(self):
        return self.value(numbers(self.x))

    def compute_dr_wrt(self, wrt):
        if wrt is self.x:
            with np.errstate(all="ignore"):
                return Diagonal(self.slope(numbers(self.x), self.r), self.size)


def unary(name, value, slope, module=__name__):
    """The class of nodes of a function of one operand.

    Parameters
    ----------
    name : str
        The name it is assigned to.
    value : callable
        Takes the operand's value.
    slope : callable
        Takes the operand's value and that of the function.
    module : str
        Where it is assigned; pickles look it up there.
    """
    return type(name, (Unary,), {"value": staticmethod(value), "slope": staticmethod(slope),
                                 "__module__": module, "__doc__": f"{name}(x), entry by entry."})


def _sinc_slope(x, y):
    """(cos pi x - sinc x) / x, by its Taylor series where that cancels."""
    t = np.pi * x
    series = -t / 3 * (1 - t ** 2 / 10 * (1 - t ** 2 / 28 * (1 - t ** 2 / 54)))
    return np.where(np.abs(t) < 0.1, np.pi * series, (np.cos(t) - y) / x)


# fmt: off
positive   = unary("positive",   np.positive,   lambda x, y: 1.0)
negative   = unary("negative",   np.negative,   lambda x, y: -1.0)
absolute   = unary("absolute",   np.absolute,   lambda x, y: np.sign(x))
fabs       = unary("fabs",       np.fabs,       lambda x, y: np.sign(x))
square     = unary("square",     np.square,     lambda x, y: 2 * x)
sqrt       = unary("sqrt",       np.sqrt,       lambda x, y: 0.5 / y)
cbrt       = unary("cbrt",       np.cbrt,       lambda x, y: 1 / (3 * y * y))
reciprocal = unary("reciprocal", np.reciprocal, lambda x, y: -y * y)
exp        = unary("exp",        np.exp,        lambda x, y: y)
exp2       = unary("exp2",       np.exp2,       lambda x, y: LN2 * y)
expm1      = unary("expm1",      np.expm1,      lambda x, y: np.exp(x))
log        = unary("log",        np.log,        lambda x, y: 1 / x)
log2       = unary("log2",       np.log2,       lambda x, y: 1 / (LN2 * x))
log10      = unary("log10",      np.log10,      lambda x, y: 1 / (LN10 * x))
log1p      = unary("log1p",      np.log1p,      lambda x, y: 1 / (1 + x))
sin        = unary("sin",        np.sin,        lambda x, y: np.cos(x))
cos        = unary("cos",        np.cos,        lambda x, y: -np.sin(x))
tan        = unary("tan",        np.tan,        lambda x, y: 1 + y * y)
arcsin     = unary("arcsin",     np.arcsin,     lambda x, y: 1 / np.sqrt((1 - x) * (1 + x)))
arccos     = unary("arccos",     np.arccos,     lambda x, y: -1 / np.sqrt((1 - x) * (1 + x)))
arctan     = unary("arctan",     np.arctan,     lambda x, y: 1 / (1 + x * x))
sinh       = unary("sinh",       np.sinh,       lambda x, y: np.cosh(x))
cosh       = unary("cosh",       np.cosh,       lambda x, y: np.sinh(x))
tanh       = unary("tanh",       np.tanh,       lambda x, y: (1 - y) * (1 + y))
arcsinh    = unary("arcsinh",    np.arcsinh,    lambda x, y: 1 / np.hypot(x, 1))
arccosh    = unary("arccosh",    np.arccosh,    lambda x, y: 1 / np.sqrt((x - 1) * (x + 1)))
arctanh    = unary("arctanh",    np.arctanh,    lambda x, y: 1 / ((1 - x) * (1 + x)))
degrees    = unary("degrees",    np.degrees,    lambda x, y: 180 / np.pi)
radians    = unary("radians",    np.radians,    lambda x, y: np.pi / 180)
rad2deg    = unary("rad2deg",    np.rad2deg,    lambda x, y: 180 / np.pi)
deg2rad    = unary("deg2rad",    np.deg2rad,    lambda x, y: np.pi / 180)
sinc       = unary("sinc",       np.sinc,       _sinc_slope)
sigmoid    = unary("sigmoid",    expit,         lambda x, y: y * (1 - y))
# fmt: on


class nan_to_num(Ch):
    """x with finite numbers in place of nan, inf and -inf; slope 0 where one was put."""

    terms = "nan", "posinf", "neginf"
    dterms = "x"
    term_order = "x", "nan", "posinf", "neginf"
    nan, posinf, neginf = 0.0, None, None

    def compute_r(self):
        return np.nan_to_num(numbers(self.x), nan=self.nan, posinf=self.posinf, neginf=self.neginf)

    def compute_dr_wrt(self, wrt):
        if wrt is self.x:
            return Diagonal(np.isfinite(numbers(self.x)))


# ---------------------------------------------------------------------- two operands

class Binary(Ch):
    """y = value(a, b), dy/da = slopes[0](a, b, y), dy/db = slopes[1](a, b, y)."""

    def _operands(self):
        return [getattr(self, name) for name in self.dterms]

    def compute_r(self):
        first, second = map(numbers, self._operands())
        if isinstance(self.value, np.ufunc):
            return self.value(first, second, out=empty(np.broadcast_shapes(first.shape, second.shape)))
        return self.value(first, second)

    def compute_dr_wrt(self, wrt):
        operands = self._operands()
        values = [numbers(operand) for operand in operands]
        with np.errstate(all="ignore"):
            slopes = [slope(*values, self.r)
                      for slope, operand in zip(self.slopes, operands) if operand is wrt]
        if slopes:
            return scaled_broadcast(sum(slopes), wrt.shape, self.shape)


class Extremum(Binary):
    """A `Binary` that is one of its operands: of twice the same one, it is that one."""

    def compute_dr_wrt(self, wrt):
        first, second = self._operands()
        return 1.0 if first is second is wrt else super().compute_dr_wrt(wrt)


def binary(name, operands, value, slope_first, slope_second, base=Binary):
    """The class of nodes of a function of two operands; see `unary`.

    Parameters
    ----------
    name : str
        The name it is assigned to.
    operands : str
        The names of the two operands.
    value : callable
        Takes the operands' values.
    slope_first, slope_second : callable
        Derivative by the first and by the second operand; take both operands' values and the function's.
    base : subclass of Binary
    """
    operands = tuple(operands.split())
    return type(name, (base,), {
        "dterms": operands, "value": staticmethod(value), "slopes": (slope_first, slope_second),
        "__module__": __name__, "__doc__": f"{name}({', '.join(operands)}), entry by entry."})


def _slope_of_base(x, p, y):
    """p x^(p-1), and 0 for p = 0 also where x = 0."""
    return np.where(p == 0, 0.0, p * np.power(x, p - 1))


def _slope_of_exponent(x, p, y):
    """x^p log x, and 0 where x = 0 and p >= 0."""
    return np.where((x == 0) & (p >= 0), 0.0, y * np.log(x))


def _zero_if_not_finite(x):
    return np.where(np.isfinite(x), x, 0.0)


def _nan_divide(x1, x2):
    with np.errstate(all="ignore"):
        return _zero_if_not_finite(x1 / x2)


def _cosine(side, hypotenuse):
    return np.where(hypotenuse == 0, 0.0, side / hypotenuse)


add = binary("add", "a b", np.add, lambda a, b, y: 1.0, lambda a, b, y: 1.0)
subtract = binary("subtract", "a b", np.subtract, lambda a, b, y: 1.0, lambda a, b, y: -1.0)
multiply = binary("multiply", "a b", np.multiply, lambda a, b, y: b, lambda a, b, y: a)
divide = binary("divide", "x1 x2", np.divide, lambda a, b, y: 1 / b, lambda a, b, y: -y / b)
NanDivide = binary("NanDivide", "x1 x2", _nan_divide,
                   lambda a, b, y: _zero_if_not_finite(1 / b),
                   lambda a, b, y: _zero_if_not_finite(-a / (b * b)))
power = binary("power", "x pow", np.power, _slope_of_base, _slope_of_exponent)
float_power = binary("float_power", "x pow", np.float_power, _slope_of_base, _slope_of_exponent)
remainder = binary("remainder", "x1 x2", np.remainder,
                   lambda a, b, y: 1.0, lambda a, b, y: -np.floor_divide(a, b))
fmod = binary("fmod", "x1 x2", np.fmod, lambda a, b, y: 1.0, lambda a, b, y: -np.trunc(a / b))
arctan2 = binary("arctan2", "x1 x2", np.arctan2,
                 lambda a, b, y: b / (a * a + b * b), lambda a, b, y: -a / (a * a + b * b))
hypot = binary("hypot", "x1 x2", np.hypot, lambda a, b, y: _cosine(a, y), lambda a, b, y: _cosine(b, y))
copysign = binary("copysign", "x1 x2", np.copysign,
                  lambda a, b, y: np.sign(a) * np.copysign(1, b), lambda a, b, y: 0.0)
logaddexp = binary("logaddexp", "x1 x2", np.logaddexp,
                   lambda a, b, y: np.exp(a - y), lambda a, b, y: np.exp(b - y))
logaddexp2 = binary("logaddexp2", "x1 x2", np.logaddexp2,
                    lambda a, b, y: np.exp2(a - y), lambda a, b, y: np.exp2(b - y))
maximum = binary("maximum", "a b", np.maximum, lambda a, b, y: a >= b, lambda a, b, y: b >= a, Extremum)
minimum = binary("minimum", "a b", np.minimum, lambda a, b, y: a <= b, lambda a, b, y: b <= a, Extremum)
fmax = binary("fmax", "a b", np.fmax,
              lambda a, b, y: (a >= b) | np.isnan(b), lambda a, b, y: (b >= a) | np.isnan(a), Extremum)
fmin = binary("fmin", "a b", np.fmin,
              lambda a, b, y: (a <= b) | np.isnan(b), lambda a, b, y: (b <= a) | np.isnan(a), Extremum)


def clip(a, a_min=None, a_max=None):
    """min(max(a, a_min), a_max); None is no bound. On a bound the slope is 1, for `a` and for the bound."""
    if a_min is not None:
        a = maximum(a, a_min)
    return positive(a) if a_max is None else minimum(a, a_max)


# ---------------------------------------------------------------------- jumps

class PiecewiseConstant(Ch):
    """value(*operands, **options), a function with no derivative but zero: none of its inputs is a dterm.

    Operands and options may be nodes or anything else; options keep their names and may be set anew.
    """

    operands = ()
    options = ()

    def compute_r(self):
        return self.value(*(_plain(getattr(self, name)) for name in self.operands),
                          **{name: _plain(getattr(self, name)) for name in self.options})


def _plain(value):
    return value.r if isinstance(value, Ch) else value


def piecewise_constant(name, operands, value, module=__name__, **options):
    """The class of nodes of a function that is constant but for jumps.

    Parameters
    ----------
    name : str
        The name it is assigned to.
    operands : str
        Names of the arguments that are passed by position.
    value : callable
    module : str
        Where it is assigned; pickles look it up there.
    **options
        Further arguments, passed by name, with their defaults.
    """
    operands = tuple(operands.split())
    return type(name, (PiecewiseConstant,), {
        **options, "terms": operands + tuple(options), "operands": operands, "options": tuple(options),
        "value": staticmethod(value), "__module__": module, "__doc__": f"np.{name}, with no derivative."})


sign = piecewise_constant("sign", "x", np.sign)
floor = piecewise_constant("floor", "x", np.floor)
ceil = piecewise_constant("ceil", "x", np.ceil)
trunc = piecewise_constant("trunc", "x", np.trunc)
fix = piecewise_constant("fix", "x", np.trunc)
rint = piecewise_constant("rint", "x", np.rint)
round = piecewise_constant("round", "a", np.round, decimals=0)
floor_divide = piecewise_constant("floor_divide", "x1 x2", np.floor_divide)
heaviside = piecewise_constant("heaviside", "x1 x2", np.heaviside)

# ---------------------------------------------------------------------- other names

abs = absolute
true_divide = divide
mod = remainder
pow = power
around = round_ = round
acos, asin, atan, atan2 = arccos, arcsin, arctan, arctan2
acosh, asinh, atanh = arccosh, arcsinh, arctanh
