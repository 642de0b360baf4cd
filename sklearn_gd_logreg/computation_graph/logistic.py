"""The computation graph of logistic regression for one example."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import cast

import numpy as np

from .._text import shown
from ..validation import InvalidParameterError, check_finite, check_interval
from .node import REAL, Node, apply, sigmoid, variable
from .operations import NEGATION, PRODUCT, SUM, Operation


@dataclass(frozen=True)
class LogisticGraph:
    """Logistic regression on one example: z = wᵀx + b, a = σ(z), ℒ(a, y), and the derivatives.

    `logistic_graph` makes it.

    Parameters
    ----------
    w, x : tuple of Node
        Weights and features, shape (n_x,).
    b : Node
        Bias.
    z : Node
        Score.
    a : Node
        Probability of y = 1.
    loss : Node
        ℒ, the node whose `Node.backward` gives the derivatives. It draws the whole graph.

    Examples
    --------
    >>> from sklearn_gd_logreg.computation_graph import logistic_graph
    >>> graph = logistic_graph(w=[0.0], b=0.0, x=[3.0], y=1)
    >>> graph.dz == graph.a.value - 1
    True
    """

    w: tuple[Node, ...]
    x: tuple[Node, ...]
    b: Node
    z: Node
    a: Node
    loss: Node

    @property
    def da(self) -> float:
        """dℒ/da = −y/a + (1 − y)/(1 − a)."""
        return cast(float, self.a.grad)

    @property
    def dz(self) -> float:
        """dℒ/dz = a − y."""
        return cast(float, self.z.grad)

    @property
    def dw(self) -> tuple[float, ...]:
        """dℒ/dw = x dz, shape (n_x,)."""
        return tuple(cast(float, node.grad) for node in self.w)

    @property
    def db(self) -> float:
        """dℒ/db = dz."""
        return cast(float, self.b.grad)

    def _repr_html_(self) -> str:
        return self.loss._repr_html_()


def logistic_graph(w: Sequence[float], b: float, x: Sequence[float], y: int) -> LogisticGraph:
    r"""Return the graph of one training example, with its derivatives.

    .. math::

        z &= w_1 x_1 + \dots + w_n x_n + b, \\
        a &= \sigma(z), \\
        \mathcal L &= -(y \log a + (1 - y) \log(1 - a)).

    The backward pass gives da = −y/a + (1 − y)/(1 − a), dz = a − y, dw = x dz and db = dz.

    ℒ is computed from a, as the formula says. It loses digits when y = 0 and a is close to 1, and
    it is infinite when a rounds to the wrong label: above z = 36.7 for y = 0, below z = −745 for
    y = 1. Then this function raises. `GDLogisticRegression` computes its loss from z, and
    has no such limit.

    Parameters
    ----------
    w : sequence of float
        Weights, shape (n_x,).
    b : float
        Bias.
    x : sequence of float
        Features, shape (n_x,).
    y : {0, 1}
        Label.

    Returns
    -------
    LogisticGraph
        The nodes ``w``, ``x``, ``b``, ``z``, ``a`` and ``loss``, and the derivatives ``da``,
        ``dz``, ``dw`` and ``db``.

    Raises
    ------
    ValueError
        If an argument is not allowed, or a rounds to the wrong label.

    Examples
    --------
    >>> from sklearn_gd_logreg.computation_graph import logistic_graph
    >>> graph = logistic_graph(w=[1, -2], b=0.5, x=[2, 1], y=0)
    >>> z, a, loss = graph.z.value, graph.a.value, graph.loss.value
    >>> print(f"z = {z}, a = {a:.4f}, loss = {loss:.4f}")
    z = 0.5, a = 0.6225, loss = 0.9741
    >>> print(f"da = {graph.da:.4f}, dz = {graph.dz:.4f}")
    da = 2.6487, dz = 0.6225
    >>> print([round(dw, 4) for dw in graph.dw], round(graph.db, 4))
    [1.2449, 0.6225] 0.6225

    A step of gradient descent:

    >>> for parameter in (*graph.w, graph.b):
    ...     parameter.value -= 0.1 * parameter.grad
    ...
    >>> graph.loss.backward()
    >>> print(f"{graph.loss.value:.4f}")
    0.7584
    """
    weights, features = check_finite("w", w), check_finite("x", x)
    if weights.ndim != 1 or weights.shape != features.shape or not weights.size:
        raise InvalidParameterError(
            "w and x must be sequences of the same length, at least 1. "
            f"Got shapes {weights.shape} and {features.shape} instead."
        )
    check_interval("logistic_graph", "b", b, REAL)
    if not isinstance(y, Real | np.bool_) or y not in (0, 1):
        raise InvalidParameterError(
            f"The 'y' parameter of logistic_graph must be 0 or 1. Got {shown(y)} instead."
        )
    w_nodes = named_variables("w", weights)
    x_nodes = named_variables("x", features)
    bias = variable(float(b), "b")
    terms = [node for pair in zip(w_nodes, x_nodes, strict=True) for node in pair]
    z = apply(score_of(len(w_nodes)), *terms, bias).named("z")
    a = sigmoid(z).named("a")
    loss = apply(LOSS[int(y)], a).named("L")
    loss.backward()
    return LogisticGraph(w_nodes, x_nodes, bias, z, a, loss)


def named_variables(letter: str, values: np.ndarray) -> tuple[Node, ...]:
    """Return a variable for each value, named w1, w2, … after the letter."""
    return tuple(variable(float(v), f"{letter}{j}") for j, v in enumerate(values, start=1))


LOSS = (
    Operation(
        "-log(1 - {})",
        lambda a: 0.0 - math.log(1.0 - a),
        (lambda a: 1.0 / (1.0 - a),),
        NEGATION,
        (PRODUCT,),
    ),
    Operation("-log({})", lambda a: 0.0 - math.log(a), (lambda a: -1.0 / a,), NEGATION, (0,)),
)
"""The loss ℒ(a, y) for y = 0 and y = 1."""


def score_of(n: int) -> Operation:
    """Return z as a function of w1, x1, …, wn, xn, b."""

    def value(*operands: float) -> float:
        *terms, b = operands
        return math.fsum([*(w * x for w, x in zip(terms[::2], terms[1::2], strict=True)), b])

    def operand(position: int) -> Callable[..., float]:
        return lambda *operands: operands[position]

    by_w_and_x = [operand(k + 1 if k % 2 == 0 else k - 1) for k in range(2 * n)]
    template = " + ".join(["{} * {}"] * n + ["{}"])
    needed = [PRODUCT, NEGATION] * n + [PRODUCT]
    return Operation(template, value, [*by_w_and_x, lambda *operands: 1.0], SUM, needed)
