"""Nodes of a computation graph: values forward, derivatives backward."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from .._text import shown
from ..validation import Interval, InvalidParameterError
from .drawing import MAX_DRAWN, draw, drawn_as_image
from .operations import (
    ADD,
    ATOM,
    DIVIDE,
    EXP,
    LOG,
    MULTIPLY,
    NEGATE,
    NEGATION,
    RAISE,
    RELU,
    SIGMOID,
    SUBTRACT,
    Operation,
    mean_of,
)
from .text import Row, mermaid, number, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REAL = Interval(-math.inf, math.inf, "()")

MAX_LABEL = 20
"""Characters of the expression of an unnamed node inside another; a longer one gets a number."""


class Node:
    """A scalar of a computation graph: a variable, or the result of an operation.

    ``+``, ``-``, ``*``, ``/`` and ``**`` of nodes and numbers, and the functions `exp`, `log`,
    `sigmoid`, `relu` and `mean`, make new nodes. `backward` is reverse-mode differentiation [1]_.

    Values are finite floats. An operation raises what ``math`` raises: ``ValueError`` outside the
    domain (`log` of 0, a negative base with a fractional exponent), ``ZeroDivisionError``, or
    ``OverflowError``; the message has the expression and its operands.

    Parameters
    ----------
    value : float
        Value of the variable, finite.
    name : str, default=None
        Name in texts and drawings. Without one, a variable gets a number, and the result of an
        operation shows its expression.

    References
    ----------
    .. [1] Griewank and Walther, "Evaluating Derivatives", 2nd ed. (2008), section 3.2.

    Examples
    --------
    One neuron with a ReLU learns the price of a house (in 100 000 dollars) from its size (in
    1000 square feet). `backward` makes a forward pass too, so one graph serves all steps:

    >>> from sklearn_gd_logreg.computation_graph import mean, relu, variable
    >>> houses = [(2.104, 4.00), (1.600, 3.30), (2.400, 3.69), (3.000, 5.40)]
    >>> w, b = variable(1, "w"), variable(0, "b")
    >>> J = mean((relu(w * x + b) - y) ** 2 for x, y in houses).named("J")
    >>> for step in range(1000):
    ...     J.backward()
    ...     for parameter in (w, b):
    ...         parameter.value -= 0.1 * parameter.grad
    ...
    >>> print(f"{w.value:.3f} {b.value:.3f} {J.forward():.4f}")
    1.412 0.885 0.1159
    """

    __slots__ = ("_grad", "_name", "_operands", "_operation", "_value")

    __array_ufunc__ = None  # so that a NumPy scalar leaves the operation to the node

    _operation: Operation | None
    _operands: tuple[Node | float, ...]
    _grad: float | None

    def __init__(self, value: float, name: str | None = None) -> None:
        self.name = name
        self._value = checked("value of a variable", value)
        self._operation, self._operands, self._grad = None, (), None

    @property
    def value(self) -> float:
        """Value of the node; that of a variable can be set.

        The other nodes have the value of their last forward pass: they were built, or `forward`
        or `backward` of a node that depends on them was called.
        """
        return self._value

    @value.setter
    def value(self, value: float) -> None:
        if self._operation is not None:
            raise AttributeError(
                f"The value of {title_of(self)!r} is computed and cannot be set. "
                "Set those of its variables."
            )
        self._value = checked("value of a variable", value)

    @property
    def grad(self) -> float | None:
        """Derivative, with respect to this node, of the node whose `backward` reached it last.

        It is None before.
        """
        return self._grad

    @property
    def name(self) -> str | None:
        """Name in texts and drawings, or None."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        words = name.split() if isinstance(name, str) else []
        if name is not None and not (words and all(map(str.isprintable, words))):
            raise InvalidParameterError(
                "The name of a node must be a non-empty str of printable characters, or None. "
                f"Got {shown(name)} instead."
            )
        self._name = name

    def named(self, name: str) -> Node:
        """Name the node.

        Parameters
        ----------
        name : str
            Name in texts and drawings.

        Returns
        -------
        self : Node
        """
        self.name = name
        return self

    # -- the two passes -----------------------------------------------------------------

    def forward(self) -> float:
        """Recompute the node and all that it depends on, after variables have changed.

        If an operation raises, no value changes.

        Returns
        -------
        float
            The value of the node.
        """
        values: dict[Node, float] = {}
        for node in forward_order(self):
            values[node] = node._evaluate(values)
        for node, value in values.items():
            node._value = value
        return self._value

    def backward(self) -> None:
        """Differentiate this node by every node that it depends on: a forward and a backward pass.

        Each derivative is the sum over the uses of the node. It replaces the one of an earlier
        call: nothing accumulates, and there is nothing to reset. At 0 the derivative of `relu`
        is 0.

        Raises
        ------
        ArithmeticError
            If a derivative is not finite, like that of ``x ** 0.5`` at 0. No derivative changes.
        """
        self.forward()
        order = forward_order(self)
        grads = dict.fromkeys(order, 0.0)
        grads[self] = 1.0
        for node in reversed(order):
            for position, operand in enumerate(node._operands):
                if isinstance(operand, Node):
                    grads[operand] += grads[node] * node._partial(position, operand)
                    if not math.isfinite(grads[operand]):
                        raise node._no_derivative(operand)
        for node, grad in grads.items():
            node._grad = grad

    @property
    def _parents(self) -> tuple[Node, ...]:
        """Nodes among the operands, each once."""
        return tuple(dict.fromkeys(node for node in self._operands if isinstance(node, Node)))

    def _evaluate(self, values: dict[Node, float]) -> float:
        """Value of the node for these values of its parents."""
        if self._operation is None:
            return self._value
        operands = [values[one] if isinstance(one, Node) else one for one in self._operands]
        try:
            value = float(self._operation.value(*operands))
            if not math.isfinite(value):
                raise OverflowError
        except (ValueError, ArithmeticError) as error:
            raise type(error)(
                f"{title_of(self)} has no finite value for operands {listed(operands)}."
            ) from None
        return value

    @property
    def _operand_values(self) -> list[float]:
        return [one._value if isinstance(one, Node) else one for one in self._operands]

    def _partial(self, position: int, operand: Node) -> float:
        """Derivative of the operation by one of its operands."""
        assert self._operation is not None
        try:
            return self._operation.partials[position](*self._operand_values)
        except (ValueError, ArithmeticError):
            raise self._no_derivative(operand) from None

    def _no_derivative(self, operand: Node) -> ArithmeticError:
        return ArithmeticError(
            f"The derivative of {title_of(self)} by {title_of(operand)} is not finite for "
            f"operands {listed(self._operand_values)}."
        )

    # -- texts and drawings -------------------------------------------------------------

    def to_text(self) -> str:
        """Return a table of the graph: a line for each node, in the order of the forward pass.

        Returns
        -------
        str
            Name and expression, value, and derivative; the latter is blank before `backward`.
        """
        return table(rows_of(self))

    def to_mermaid(self) -> str:
        """Return the graph as a flowchart for Mermaid, which Markdown pages and notebooks show.

        Returns
        -------
        str
        """
        return mermaid(rows_of(self))

    def plot(self, ax: Axes | None = None) -> Any:
        """Draw the graph from left to right, values in blue and derivatives in orange.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; the text is scaled to fit them. None: a new figure.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ValueError
            If the graph has more than 100 nodes.
        ImportError
            If matplotlib is not installed.
        """
        return draw(rows_of(self), ax)

    def __repr__(self) -> str:
        return f"Node({title_of(self)}, value={self._value}, grad={self._grad})"

    def _repr_html_(self) -> str:
        """Return the drawing for notebooks; without matplotlib, the text."""
        rows = rows_of(self)
        if len(rows) > MAX_DRAWN:
            return f"<pre>{html.escape(repr(self))}</pre>"
        try:
            return drawn_as_image(rows)
        except ImportError:
            return f"<pre>{html.escape(table(rows))}</pre>"

    # -- operators ----------------------------------------------------------------------

    def __add__(self, other: Operand) -> Node:
        return apply(ADD, self, other)

    def __radd__(self, other: float) -> Node:
        return apply(ADD, other, self)

    def __sub__(self, other: Operand) -> Node:
        return apply(SUBTRACT, self, other)

    def __rsub__(self, other: float) -> Node:
        return apply(SUBTRACT, other, self)

    def __mul__(self, other: Operand) -> Node:
        return apply(MULTIPLY, self, other)

    def __rmul__(self, other: float) -> Node:
        return apply(MULTIPLY, other, self)

    def __truediv__(self, other: Operand) -> Node:
        return apply(DIVIDE, self, other)

    def __rtruediv__(self, other: float) -> Node:
        return apply(DIVIDE, other, self)

    def __pow__(self, other: Operand) -> Node:
        return apply(RAISE, self, other)

    def __rpow__(self, other: float) -> Node:
        return apply(RAISE, other, self)

    def __neg__(self) -> Node:
        return apply(NEGATE, self)


Operand: TypeAlias = Node | float
Scalar = TypeVar("Scalar", Node, float)


def variable(value: float, name: str | None = None) -> Node:
    """Return a variable: a node without operands.

    Parameters
    ----------
    value : float
        Its value, finite. It can be set later, for example by gradient descent.
    name : str, default=None
        Name in texts and drawings.

    Returns
    -------
    Node

    Examples
    --------
    >>> from sklearn_gd_logreg.computation_graph import variable
    >>> a = variable(2, "a")
    >>> square = a**2
    >>> square.backward()
    >>> square
    Node(a ** 2, value=4.0, grad=1.0)
    >>> a.value = a.value - 0.1 * a.grad
    >>> print(round(square.forward(), 2))
    2.56
    """
    return Node(value, name)


def exp(x: Scalar) -> Scalar:
    """Return e to the power of x.

    Parameters
    ----------
    x : Node or float

    Returns
    -------
    Node or float
        A node if x is one, else a float.

    Raises
    ------
    OverflowError
        If x is above 709.78.

    Examples
    --------
    >>> from sklearn_gd_logreg.computation_graph import exp, variable
    >>> exp(variable(0, "x"))
    Node(exp(x), value=1.0, grad=None)
    """
    return call(EXP, x)


def log(x: Scalar) -> Scalar:
    """Return the natural logarithm of x.

    Parameters
    ----------
    x : Node or float
        Positive.

    Returns
    -------
    Node or float
        A node if x is one, else a float.

    Raises
    ------
    ValueError
        If x is not positive.

    Examples
    --------
    >>> from sklearn_gd_logreg.computation_graph import log, variable
    >>> a = variable(2, "a")
    >>> log(a).backward()
    >>> a.grad
    0.5
    """
    return call(LOG, x)


def sigmoid(x: Scalar) -> Scalar:
    """Return 1 / (1 + exp(-x)); it overflows for no x.

    Parameters
    ----------
    x : Node or float

    Returns
    -------
    Node or float
        A node if x is one, else a float.

    Examples
    --------
    >>> from sklearn_gd_logreg.computation_graph import sigmoid, variable
    >>> z = variable(0, "z")
    >>> a = sigmoid(z)
    >>> a.backward()
    >>> a.value, z.grad
    (0.5, 0.25)
    >>> sigmoid(-1000.0), sigmoid(1000.0)
    (0.0, 1.0)
    """
    return call(SIGMOID, x)


def relu(x: Scalar) -> Scalar:
    """Return max(x, 0); at 0 its derivative is taken to be 0.

    Parameters
    ----------
    x : Node or float

    Returns
    -------
    Node or float
        A node if x is one, else a float.

    Examples
    --------
    >>> from sklearn_gd_logreg.computation_graph import relu, variable
    >>> for value in (-1, 0, 1):
    ...     z = variable(value, "z")
    ...     a = relu(z)
    ...     a.backward()
    ...     print(a.value, z.grad)
    0.0 0.0
    0.0 0.0
    1.0 1.0
    """
    return call(RELU, x)


def mean(nodes: Iterable[Operand]) -> Node:
    """Return the mean of nodes, such as the cost J of the losses of m examples.

    Parameters
    ----------
    nodes : iterable of Node or float
        At least one of them a node.

    Returns
    -------
    Node

    Examples
    --------
    >>> from sklearn_gd_logreg.computation_graph import mean, variable
    >>> w = variable(2, "w")
    >>> mean((w * x - y) ** 2 for x, y in [(1, 1), (2, 5)]).value
    1.0
    """
    operands = list(nodes) if isinstance(nodes, Iterable) else []
    if not any(isinstance(operand, Node) for operand in operands):
        raise InvalidParameterError(
            "The 'nodes' parameter of mean must be an iterable with at least one Node. "
            f"Got {shown(operands or nodes)} instead."
        )
    return apply(mean_of(len(operands)), *operands)


def apply(operation: Operation, *operands: Operand) -> Node:
    """Return the node of an operation; one operand at least is a node."""
    node = Node(0.0)
    node._operation = operation
    node._operands = tuple(
        operand if isinstance(operand, Node) else checked("operand", operand)
        for operand in operands
    )
    node._value = node._evaluate({parent: parent._value for parent in node._parents})
    return node


def call(operation: Operation, x: Scalar) -> Scalar:
    """Apply a function to a node or a float, and return the same."""
    node = apply(operation, x)
    return node if isinstance(x, Node) else node.value


def checked(what: str, value: float) -> float:
    """Return a finite float.

    Raises
    ------
    InvalidParameterError
        If the value is none.
    """
    if value not in REAL:
        raise InvalidParameterError(f"The {what} must be {REAL}. Got {shown(value)} instead.")
    return float(value)


def forward_order(node: Node) -> list[Node]:
    """Return all that a node depends on, each after its operands, and the node last.

    Parameters
    ----------
    node : Node

    Returns
    -------
    list of Node
        In depth-first order, without recursion: a graph may be deeper than Python's stack.
    """
    order: list[Node] = []
    seen: set[Node] = set()
    stack = [(node, False)]
    while stack:
        top, parents_are_done = stack.pop()
        if parents_are_done:
            order.append(top)
        elif top not in seen:
            seen.add(top)
            stack.append((top, True))
            stack += [(parent, False) for parent in reversed(top._parents)]
    return order


# -- how nodes are written ----------------------------------------------------------------


def titles(order: list[Node]) -> list[str]:
    """Return what is written for each node: name, expression, or both.

    An unnamed variable gets a number as its name, and so does an unnamed result whose expression
    is too long to be repeated in other expressions.
    """
    taken = {node.name for node in order}
    labels: dict[Node, tuple[str, int]] = {}  # with their precedences
    result = []
    counter = 0
    for node in order:
        expression, label, precedence = expression_of(node, labels), node.name, ATOM
        if label is None and 0 < len(expression) <= MAX_LABEL:
            assert node._operation is not None
            label, precedence = expression, node._operation.precedence
            result.append(label)
        else:
            while label is None:
                counter += 1
                label = f"n{counter}" if f"n{counter}" not in taken else None
            result.append(f"{label} = {expression}" if expression else label)
        labels[node] = label, precedence
    return result


def expression_of(node: Node, labels: dict[Node, tuple[str, int]]) -> str:
    """Return the expression of a node, empty for a variable, in terms of the labels."""
    if node._operation is None:
        return ""
    written = []
    for operand, needed in zip(node._operands, node._operation.needed, strict=True):
        if isinstance(operand, Node):
            label, precedence = labels[operand]
        else:
            label, precedence = number(operand), NEGATION if operand < 0 else ATOM
        written.append(label if precedence >= needed else f"({label})")
    return node._operation.template.format(*written)


def title_of(node: Node) -> str:
    """Return what is written for a node."""
    return titles(forward_order(node))[-1]


def rows_of(node: Node) -> list[Row]:
    """Return what texts and drawings show of a graph."""
    order = forward_order(node)
    index = {one: position for position, one in enumerate(order)}
    return [
        Row(title, one.value, one.grad, tuple(index[parent] for parent in one._parents))
        for title, one in zip(titles(order), order, strict=True)
    ]


def listed(values: list[float]) -> str:
    """Return numbers separated by commas."""
    return ", ".join(map(number, values))
