"""The computation graph: values, derivatives against independent ones, texts and drawings."""

import cmath
import inspect
import math
import re
import subprocess
import sys
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose

from sklearn_gd_logreg import GDLogisticRegression, computation_graph
from sklearn_gd_logreg.computation_graph import (
    Node,
    exp,
    log,
    logistic_graph,
    mean,
    numerical_derivative,
    relu,
    sigmoid,
    variable,
)
from sklearn_gd_logreg.computation_graph.layout import layout_of

from .problems import noisy
from .test_package import described, documented_default, sections

HOUSES = [(2.104, 4.00), (1.600, 3.30), (2.400, 3.69), (3.000, 5.40)]


def notes_graph():
    """J = 3(a + bc), and its variables."""
    a, b, c = variable(5, "a"), variable(3, "b"), variable(2, "c")
    u = (b * c).named("u")
    v = (a + u).named("v")
    return (3 * v).named("J"), {"a": a, "b": b, "c": c, "u": u, "v": v}


def neuron(w=1.5, b=0.2, x=2.104, y=4.0):
    """One neuron with a ReLU, and its squared loss."""
    z = (variable(w, "w") * x + variable(b, "b")).named("z")
    return ((relu(z).named("ŷ") - y) ** 2).named("L")


def house_cost(w, b):
    return mean((relu(w * x + b) - y) ** 2 for x, y in HOUSES).named("J")


def gradient(f, *at):
    """Derivatives of f by the graph."""
    nodes = [variable(value) for value in at]
    f(*nodes).backward()
    return [node.grad for node in nodes]


# -- values and derivatives ---------------------------------------------------------------


@pytest.mark.parametrize("name", computation_graph.__all__)
def test_every_argument_is_described_in_order_with_its_default(name):
    public = getattr(computation_graph, name)
    parameters = inspect.signature(public).parameters
    assert list(described(public)) == list(parameters)
    defaults = {key: documented_default(text) for key, text in described(public).items()}
    assert defaults == {key: parameter.default for key, parameter in parameters.items()}
    assert ">>>" in sections(public)["Examples"]
    summary = inspect.getdoc(public).split("\n\n")[0]
    assert summary.endswith(".")
    assert len(summary) <= 100


def test_the_figures_of_the_notes():
    J, nodes = notes_graph()
    assert [nodes[name].value for name in "uv"] == [6, 11]
    assert J.value == 33
    J.backward()
    assert [nodes[name].grad for name in "vaubc"] == [3, 3, 3, 6, 9]
    assert J.grad == 1


# Of x and y: of the graph and of complex numbers alike, for the complex step.
SMOOTH = {
    "sum": lambda m, x, y: x + y,
    "constants left": lambda m, x, y: (3 + x) * (2 - y) * 2 / (1.5 + x**2),
    "constants right": lambda m, x, y: (x - 0.5) / 4 + y * 3 + 1,
    "product": lambda m, x, y: x * y,
    "quotient": lambda m, x, y: x / (2 + y * y),
    "minus": lambda m, x, y: -x - -y,
    "powers": lambda m, x, y: x**3 - y**2 + x**1 + y**0,
    "negative power": lambda m, x, y: (x * x + 1) ** -1.5,
    "power of a node": lambda m, x, y: (x * x + 0.1) ** y,
    "power of a number": lambda m, x, y: 2.5 ** (x * y),
    "exp": lambda m, x, y: m.exp(x - y),
    "log": lambda m, x, y: m.log(x * x + 0.5) * y,
    "sigmoid": lambda m, x, y: m.sigmoid(3 * x - y),
    "reuse": lambda m, x, y: (lambda u: u * u + m.exp(u) * x)(x * y),
}


class Complex:
    """The functions of complex numbers."""

    exp, log = staticmethod(cmath.exp), staticmethod(cmath.log)

    @staticmethod
    def sigmoid(z):
        return 1 / (1 + cmath.exp(-z))


small = st.floats(-3, 3)


@pytest.mark.parametrize("name", SMOOTH)
@given(x=small, y=small)
def test_derivatives_are_those_of_the_complex_step(name, x, y):
    f, h = SMOOTH[name], 1e-30
    expected = [f(Complex, x + h * 1j, y).imag / h, f(Complex, x, y + h * 1j).imag / h]
    graph = gradient(lambda u, v: f(computation_graph, u, v) + 0 * u + 0 * v, x, y)
    assert_allclose(graph, expected, rtol=1e-12, atol=1e-13)
    value = f(computation_graph, variable(x), variable(y)).value
    assert_allclose(value, complex(f(Complex, x, y)).real, rtol=1e-13, atol=1e-14)


STEPS = [
    lambda p, q: p + q,
    lambda p, q: 0.5 * p - q,
    lambda p, q: p * sigmoid(q),
    lambda p, q: p / (1 + q**2),
    lambda p, q: (1 + p**2) ** sigmoid(q),
    lambda p, q: exp(-(p**2)) - q,
    lambda p, q: log(1 + p * p) + q,
    lambda p, q: sigmoid(p - q),
    lambda p, q: 0.1 * p * relu(q) ** 3,  # smooth at 0
    lambda p, q: (p + 2 * q) / 3,
]


@given(st.lists(st.sampled_from(STEPS), max_size=12), small, small)
def test_derivatives_of_random_graphs_are_central_differences(steps, x, y):
    def f(x, y):
        nodes = [x, y]
        for k, step in enumerate(steps):
            nodes.append(step(nodes[k // 2], nodes[-1]))
        return nodes[-1]

    graph = gradient(lambda u, v: f(u, v) + 0 * u + 0 * v, x, y)
    differences = [
        numerical_derivative(lambda t: f(t, y), x),
        numerical_derivative(lambda t: f(x, t), y),
    ]
    assert_allclose(graph, differences, rtol=1e-5, atol=1e-5 * (1 + max(map(abs, graph))))


def test_a_node_used_twice_sums_its_derivatives():
    x = variable(3, "x")
    y = x * x + x
    y.backward()
    assert x.grad == 7


def test_backward_twice_is_backward_once():
    J, nodes = notes_graph()
    for _ in range(3):
        J.backward()
    assert [node.grad for node in nodes.values()] == [3, 6, 9, 3, 3]


def test_backward_of_an_inner_node_replaces_the_derivatives_below_it():
    J, nodes = notes_graph()
    J.backward()
    nodes["u"].backward()
    assert [nodes[name].grad for name in "ubc"] == [1, 2, 3]


def test_derivatives_are_none_before_backward():
    J, nodes = notes_graph()
    assert J.grad is None
    nodes["u"].backward()
    assert nodes["a"].grad is None


def test_the_derivative_of_relu_at_0_is_0():
    z = variable(0.0)
    relu(z).backward()
    assert z.grad == 0


@pytest.mark.parametrize("z", [-1e308, -1000, -40, 40, 1000, 1e308])
def test_sigmoid_overflows_nowhere(z):
    node = variable(z)
    a = sigmoid(node)
    a.backward()
    assert a.value == pytest.approx(float(z > 0), abs=1e-17)
    assert node.grad == pytest.approx(0, abs=1e-17)


def test_a_deep_chain_does_not_reach_the_limit_of_recursion():
    x = node = variable(1.0, "x")
    for _ in range(5 * sys.getrecursionlimit()):
        node = node + 1e-3
    node.backward()
    assert x.grad == 1
    assert node.to_text().count("\n") == 5 * sys.getrecursionlimit() + 1


def test_a_graph_of_many_paths_takes_one_step_for_each_node():
    """There are 2⁶⁰ ways from x to the last node."""
    x = node = variable(1.0)
    for _ in range(60):
        node = 0.5 * node + 0.5 * node
    node.backward()
    assert x.grad == 1


def test_functions_of_floats_return_floats():
    for f, expected in [(exp, math.e), (log, 0.0), (sigmoid, 1 / (1 + math.exp(-1))), (relu, 1.0)]:
        assert type(f(1.0)) is float
        assert f(1.0) == pytest.approx(expected)


def test_numpy_scalars_are_numbers():
    x = variable(np.float32(2))
    for y in (np.float64(3) * x, x * np.int64(3), np.float32(3) * x):
        assert isinstance(y, Node)
        assert y.value == 6.0


# -- changed variables --------------------------------------------------------------------


def test_forward_recomputes_after_a_change():
    J, nodes = notes_graph()
    nodes["a"].value = 6
    assert J.value == 33
    assert J.forward() == 36
    assert nodes["v"].value == 12


def test_backward_differentiates_at_the_changed_values():
    J, nodes = notes_graph()
    nodes["b"].value = 10
    J.backward()
    assert nodes["c"].grad == 30
    assert J.value == 3 * (5 + 20)


@pytest.mark.parametrize("rebuild", [False, True])
def test_gradient_descent_on_the_graph_reaches_least_squares(rebuild):
    w, b = variable(1, "w"), variable(0, "b")
    J = house_cost(w, b)
    for _ in range(4000):
        J = house_cost(w, b) if rebuild else J
        J.backward()
        for parameter in (w, b):
            parameter.value = parameter.value - 0.1 * parameter.grad
    sizes, prices = np.array(HOUSES).T
    slope, offset = np.polyfit(sizes, prices, 1)
    assert_allclose([w.value, b.value], [slope, offset], rtol=1e-10)
    residual = prices - slope * sizes - offset
    assert J.forward() == pytest.approx(np.mean(residual**2))


def test_a_failed_pass_changes_nothing():
    x = variable(1.0, "x")
    y = (2 * x).named("y")
    z = log(y)
    z.backward()
    x.value = -1
    with pytest.raises(ValueError, match="log"):
        z.backward()
    assert (y.value, z.value, x.grad) == (2, math.log(2), 1)


# -- errors -------------------------------------------------------------------------------

UNDEFINED = {
    "log of 0": (lambda x: log(x), 0.0, ValueError),
    "log of a negative number": (lambda x: log(x), -1.0, ValueError),
    "division by 0": (lambda x: 1 / x, 0.0, ZeroDivisionError),
    "fractional power": (lambda x: x**0.5, -1.0, ValueError),
    "negative power of 0": (lambda x: x**-1, 0.0, ValueError),
    "exp": (lambda x: exp(x), 1000.0, OverflowError),
    "power": (lambda x: x**400, 1000.0, OverflowError),
    "product": (lambda x: x * x, 1e200, OverflowError),
    "sum": (lambda x: x + x, 1e308, OverflowError),
    "quotient": (lambda x: 1e300 / x, 1e-300, OverflowError),
}


@pytest.mark.parametrize("name", UNDEFINED)
def test_an_operation_without_a_finite_value_raises(name):
    f, value, kind = UNDEFINED[name]
    with pytest.raises(kind, match=r"x.* has no finite value for operands"):
        f(variable(value, "x"))


def test_functions_of_floats_raise_the_same_errors():
    with pytest.raises(ValueError, match="log"):
        log(0.0)
    with pytest.raises(OverflowError, match="exp"):
        exp(1000.0)


@pytest.mark.parametrize(
    ("f", "value"),
    [(lambda x: x**0.5, 0.0), (lambda x: log(x), 5e-324), (lambda x: (0 * x - 1) ** x, 2.0)],
)
def test_a_derivative_that_is_not_finite_raises(f, value):
    x = variable(value, "x")
    y = f(x)
    with pytest.raises(ArithmeticError, match=r"derivative of .*x.* by x"):
        y.backward()
    assert y.grad is None
    assert x.grad is None


@pytest.mark.parametrize("bad", ["1", None, math.nan, math.inf, True, 1j, [1.0], np.ones(2)])
def test_what_is_no_finite_number_is_refused(bad):
    x = variable(1.0, "x")
    for use in (variable, lambda v: x + v, lambda v: v * x, lambda v: x**v, exp, lambda v: v - x):
        with pytest.raises(ValueError, match="must be a float in the range") as caught:
            use(bad)
        assert isinstance(caught.value, TypeError)
    with pytest.raises(ValueError, match="must be a float in the range"):
        x.value = bad
    assert x.value == 1


def test_only_the_value_of_a_variable_is_set():
    J, nodes = notes_graph()
    with pytest.raises(AttributeError, match=r"v = a \+ u"):
        nodes["v"].value = 1.0
    with pytest.raises(AttributeError):
        J.grad = 1.0


@pytest.mark.parametrize("name", ["", " ", 3, b"x"])
def test_a_name_is_a_str(name):
    for use in (lambda: variable(1.0, name), lambda: variable(1.0).named(name)):
        with pytest.raises(ValueError, match="name of a node"):
            use()


@pytest.mark.parametrize("nodes", [[], [1.0, 2.0]])
def test_a_mean_needs_a_node(nodes):
    with pytest.raises(ValueError, match="'nodes' parameter of mean"):
        mean(nodes)


# -- logistic regression ------------------------------------------------------------------

vectors = st.integers(1, 4).flatmap(
    lambda n: st.tuples(*[st.lists(small, min_size=n, max_size=n)] * 2)
)


@given(vectors, small, st.sampled_from([0, 1]))
def test_one_example_has_the_derivatives_of_the_notes(wx, b, y):
    w, x = wx
    graph = logistic_graph(w, b, x, y)
    z, a = graph.z.value, graph.a.value
    assert_allclose(z, np.dot(w, x) + b, rtol=1e-13, atol=1e-14)
    assert_allclose(a, 1 / (1 + np.exp(-z)), rtol=1e-14)
    assume(a < 1)
    assert_allclose(graph.loss.value, -(y * math.log(a) + (1 - y) * math.log(1 - a)), rtol=1e-14)
    assert_allclose(graph.da, -y / a + (1 - y) / (1 - a), rtol=1e-15)
    assert graph.dz == pytest.approx(a - y, rel=1e-15, abs=2e-16)
    assert_allclose(graph.dw, np.multiply(x, graph.dz), rtol=1e-15)
    assert graph.db == graph.dz


@given(st.floats(-700, 36.7))
def test_dz_is_a_minus_y_to_rounding_however_close_a_is_to_a_label(z):
    for y, score in ((0, z), (1, -z)):
        graph = logistic_graph([1.0], 0.0, [score], y)
        assert graph.dz == pytest.approx(graph.a.value - y, rel=4e-16, abs=2e-16)


def test_a_probability_that_rounds_to_the_wrong_label_raises():
    for score, y in ((40.0, 0), (-750.0, 1)):
        with pytest.raises(ValueError, match=r"log.* has no finite value for operands"):
            logistic_graph([1.0], 0.0, [score], y)
        right = logistic_graph([1.0], 0.0, [score], 1 - y)
        assert right.loss.value == pytest.approx(0, abs=1e-17)


def descended(X, y, w, b, sample_weight, rate=0.5):
    """Gradient that one step of the estimator follows."""
    clf = GDLogisticRegression(solver="gd", learning_rate=rate, C=np.inf, max_iter=1, tol=0)
    clf.fit(X, y, sample_weight=sample_weight, coef_init=w, intercept_init=b)
    return np.append((w - clf.coef_[0]) / rate, (b - clf.intercept_[0]) / rate)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_graph_has_the_gradient_that_the_estimator_descends(seed, weighted):
    X, y = noisy(40, 3, 2, seed=seed)
    rng = np.random.default_rng(seed)
    w, b = rng.standard_normal(3), 0.3
    weights = rng.exponential(size=len(y)) if weighted else np.ones(len(y))
    graphs = [logistic_graph(w, b, x, label) for x, label in zip(X, y, strict=True)]
    each = np.array([[*graph.dw, graph.db] for graph in graphs])
    expected = np.average(each, axis=0, weights=weights)
    found = descended(X, y, w, b, weights if weighted else None)
    assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


REFUSED_EXAMPLES = {
    "w": ({"w": [math.nan]}, "w must be finite"),
    "x": ({"x": ["a"]}, "x must be finite"),
    "lengths": ({"x": [1.0, 2.0]}, r"same length.*\(1,\) and \(2,\)"),
    "none": ({"w": [], "x": []}, "at least 1"),
    "matrix": ({"w": [[1.0]], "x": [[1.0]]}, "sequences"),
    "b": ({"b": math.inf}, "'b' parameter"),
    "y": ({"y": 2}, "'y' parameter.*0 or 1"),
    "label": ({"y": "cat"}, "'y' parameter.*0 or 1"),
    "array": ({"y": np.array([0, 1])}, "'y' parameter.*0 or 1"),
}


@pytest.mark.parametrize("name", REFUSED_EXAMPLES)
def test_bad_examples_are_refused(name):
    change, message = REFUSED_EXAMPLES[name]
    with pytest.raises(ValueError, match=message):
        logistic_graph(**({"w": [1.0], "b": 0.0, "x": [2.0], "y": 1} | change))


# -- numerical derivatives ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "slope"), [("forward", 4.001), ("backward", 3.999), ("central", 4.0)]
)
def test_the_schemes_of_a_parabola(scheme, slope):
    found = numerical_derivative(lambda a: a**2, 2, h=0.001, scheme=scheme)
    assert found == pytest.approx(slope, rel=1e-12)


@pytest.mark.parametrize(("scheme", "tolerance"), [("central", 1e-9), ("forward", 1e-6)])
@given(a=st.floats(-50, 50))
def test_the_default_step_is_accurate(scheme, tolerance, a):
    expected = math.cos(a) + 0.2 * a
    found = numerical_derivative(lambda t: math.sin(t) + 0.1 * t * t, a, scheme=scheme)
    assert found == pytest.approx(expected, rel=30 * tolerance, abs=30 * tolerance * (1 + abs(a)))


def test_a_function_may_return_a_node():
    assert numerical_derivative(lambda a: sigmoid(variable(a) * 2), 0.0) == pytest.approx(0.5)


REFUSED_DIFFERENCES = {
    "scheme": ({"scheme": "left"}, "'scheme' parameter.*'central', 'forward' or 'backward'"),
    "a": ({"a": math.nan}, "'a' parameter"),
    "h": ({"h": 0.0}, "'h' parameter"),
    "negative h": ({"h": -0.1}, "'h' parameter"),
    "tiny h": ({"h": 1e-20}, "'h' parameter.*differ from a = 2.0"),
    "f": ({"f": lambda a: math.nan}, "'f' parameter"),
    "str": ({"f": str}, "'f' parameter"),
}


@pytest.mark.parametrize("name", REFUSED_DIFFERENCES)
def test_bad_differences_are_refused(name):
    change, message = REFUSED_DIFFERENCES[name]
    with pytest.raises(ValueError, match=message):
        numerical_derivative(**({"f": lambda a: a * a, "a": 2.0} | change))


# -- texts --------------------------------------------------------------------------------

EXPRESSIONS = [
    "(a + b) * c", "a + b * c", "a - (b - c)", "a - b - c", "a / (b * c)", "a / b * c",
    "a * (b / c)", "(a ** b) ** c", "a ** b ** c", "-a ** 2", "(-a) ** 2", "-(-a)",
    "a ** (-b)", "(-2) ** 2 * a", "exp(a + b) * c", "a * -2", "-(a + b)", "relu(-a) - b",
    "sigmoid(a) ** 2", "2 ** a", "a + (b + c)", "log(a * (b + 1))",
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_says_what_was_computed(expression):
    values = {"a": 1.7, "b": 0.6, "c": 2.9}
    functions = {"exp": exp, "log": log, "sigmoid": sigmoid, "relu": relu}
    nodes = {name: variable(value, name) for name, value in values.items()}
    node = eval(expression, functions | nodes).named("J")
    written = node.to_text().splitlines()[-1].split(" = ")[1].rsplit("  ", 1)[0]
    while "n1" in written:  # a long part has a number
        part = re.search(r"^n1 = (.+?)  ", node.to_text(), re.M).group(1)
        written = written.replace("n1", f"({part})")
    assert eval(written, functions | values) == node.value


def test_the_table_is_blank_before_backward():
    J, _ = notes_graph()
    assert J.to_text().splitlines()[-1] == "J = 3 * v     33"
    J.backward()
    assert J.to_text().splitlines()[-1] == "J = 3 * v     33           1"


def test_unnamed_nodes_get_numbers_that_no_name_has():
    n1 = variable(1.0, "n1")
    lines = (variable(2.0) * n1 + variable(3.0)).to_text().splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "n2", "n1", "n2 * n1", "n3", "n2 * n1 + n3"
    ]  # fmt: skip


def test_repr_has_expression_value_and_derivative():
    _J, nodes = notes_graph()
    assert repr(nodes["u"]) == "Node(u = b * c, value=6.0, grad=None)"


HOSTILE = [
    'say "a"',
    "a#b;",
    "<b>&amp;",
    "`x`",
    "- x",
    "1. x",
    "end",
    "x]-->y",
    "a\nb",
    "$x$_y_",
    "__u__ *v*",
    "값",
]


def labels(mermaid):
    """Texts of the nodes, by identifier, decoded as Mermaid does."""
    found = dict(re.findall(r'^    (n\d+)\["([^"]*)"\]$', mermaid, re.M))
    return {
        key: re.sub(r"#(\d+);", lambda code: chr(int(code.group(1))), text)
        for key, text in found.items()
    }


def test_mermaid_has_each_node_and_edge_once():
    J, _ = notes_graph()
    J.backward()
    text = J.to_mermaid()
    first, *rest = text.splitlines()
    assert first == "flowchart LR"
    assert labels(text)["n3"] == "u = b * c<br/>value 6<br/>derivative 3"
    edges = [line for line in rest if "-->" in line]
    assert sorted(edges) == [
        f"    n{a} --> n{b}" for a, b in ((0, 4), (1, 3), (2, 3), (3, 4), (4, 5))
    ]
    assert len(rest) == len(labels(text)) + len(edges) == 11
    x = variable(2.0, "x")
    assert (x * x).to_mermaid().count("-->") == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_mermaid_escapes_names(name):
    text = (variable(1.0, name) + 1).to_mermaid()
    assert len(labels(text)) == 2
    assert labels(text)["n0"].split("<br/>")[0] == " ".join(name.split())
    raw = re.findall(r'\["(.*?)<br/>', text)
    assert not any(re.search(r'["`<>&*_$\]]', label) for label in raw)
    assert all(label[0].isalpha() or label[0] == "#" for label in raw)


# -- drawings -----------------------------------------------------------------------------


def with_long_edges():
    x, y = variable(2.0, "x"), variable(0.5, "y")
    q = x * y
    return (sigmoid(exp(q) + x) * q - x / y).named("a long name of the result")


def unnamed():
    w, b = variable(1.0, "w"), variable(0.0, "b")
    return house_cost(w, b)


GRAPHS = {
    "notes": lambda: notes_graph()[0],
    "logistic": lambda: logistic_graph([1.0, -2.0], 0.5, [2.0, 1.0], 0).loss,
    "wide logistic": lambda: logistic_graph([1.0] * 6, 0.5, [-2.0] * 6, 1).loss,
    "neuron": neuron,
    "houses": unnamed,
    "long edges": with_long_edges,
    "one node": lambda: variable(-1.25e-7, "x"),
    "hostile names": lambda: mean(variable(1 / 3, name) for name in HOSTILE[:-1]),
}


def boxes_of(ax):
    """Extents of texts, and of the boxes around nodes, in pixels."""
    ax.figure.canvas.draw()
    renderer = ax.figure.canvas.get_renderer()
    texts = [text.get_window_extent(renderer) for text in ax.texts]
    nodes = [
        patch.get_window_extent(renderer) for patch in ax.patches if hasattr(patch, "get_boxstyle")
    ]
    return texts, nodes


def overlap(a, b):
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 0 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0


def inside(a, b):
    return a.x0 >= b.x0 and a.x1 <= b.x1 and a.y0 >= b.y0 and a.y1 <= b.y1


@pytest.mark.parametrize("backward", [True, False])
@pytest.mark.parametrize("given_axes", [True, False])
@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_collides_in_a_drawing(name, given_axes, backward):
    node = GRAPHS[name]()
    if backward:
        node.backward()
    ax = plt.subplots(figsize=(7, 3), layout="constrained")[1] if given_axes else None
    drawn = node.plot(ax)
    assert ax is None or drawn is ax
    texts, nodes = boxes_of(drawn)
    assert len(nodes) == len(node.to_text().splitlines()) - 1
    assert not any(overlap(a, b) for a, b in combinations(nodes, 2))
    assert not any(overlap(a, b) for a, b in combinations(texts, 2))
    n_legend = 1 if node.grad is None else 2
    assert all(any(inside(text, box) for box in nodes) for text in texts[:-n_legend])
    assert all(inside(text, drawn.figure.bbox) for text in texts)


def arrows_of(ax):
    return [patch for patch in ax.patches if hasattr(patch, "get_arrowstyle")]


@pytest.mark.parametrize("name", GRAPHS)
def test_no_arrow_crosses_a_box(name):
    node = GRAPHS[name]()
    node.backward()
    ax = node.plot()
    _, nodes = boxes_of(ax)
    for arrow in arrows_of(ax):
        path = ax.transData.transform_path(arrow.get_path())
        x, y = np.vstack([curve(np.linspace(0, 1, 40)) for curve, _ in path.iter_bezier()]).T
        for box in nodes:
            within = (x > box.x0 + 1) & (x < box.x1 - 1) & (y > box.y0) & (y < box.y1)
            assert not within.any()


def test_forward_and_backward_have_their_colours():
    J, _ = notes_graph()
    before = {text.get_color() for text in J.plot().texts[:-1]}
    n_arrows = len(arrows_of(plt.gca()))
    J.backward()
    ax = J.plot()
    after = {text.get_color() for text in ax.texts[:-2]}
    assert len(after) == len(before) + 1 == 3
    assert len(arrows_of(ax)) == 2 * n_arrows == 10
    written = [text.get_text() for text in ax.texts]
    assert {"u = b * c", "→ 6", "← 3", "→ 33", "← 1"} <= set(written)


def test_arrows_go_right_forward_and_left_backward():
    J, _ = notes_graph()
    J.backward()
    ax = J.plot()
    forward, backward = (text.get_color() for text in ax.texts[-2:])
    for arrow in arrows_of(ax):
        x = arrow.get_path().vertices[:, 0]
        assert to_hex(arrow.get_edgecolor()) == (forward if x[0] < x[1] else backward)


@given(st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=25))
def test_columns_follow_the_operands_and_cells_do_not_overlap(choices):
    parents = [
        tuple(dict.fromkeys(c % k for c in chosen)) if k else () for k, chosen in enumerate(choices)
    ]
    layout = layout_of(parents, [40.0] * len(parents))
    for child, above in enumerate(parents):
        assert layout.column[child] == max((layout.column[p] + 1 for p in above), default=0)
        for parent in above:
            route = layout.routes[parent, child]
            assert (route[0], route[-1]) == (parent, child)
            columns = [layout.column[cell] for cell in route]
            assert columns == list(range(columns[0], columns[-1] + 1))
    height = [40.0] * len(parents) + [0.0] * len(layout.y)
    for a, b in combinations(range(len(layout.y)), 2):
        if layout.column[a] == layout.column[b]:
            assert abs(layout.y[a] - layout.y[b]) >= (height[a] + height[b]) / 2


def test_a_graph_too_large_to_draw_says_so():
    node = variable(1.0)
    for _ in range(100):
        node = node + 1
    with pytest.raises(ValueError, match=r"at most 100 nodes.*101.*to_text"):
        node.plot()
    assert node._repr_html_().startswith("<pre>Node(")
    assert plt.get_fignums() == []


def test_a_notebook_shows_the_drawing_and_leaves_no_figure():
    J, _ = notes_graph()
    shown = J._repr_html_()
    assert re.fullmatch(
        r'<img [^>]*alt="node [^>]*src="data:image/svg\+xml;base64,[\w+/=]+">', shown, re.S
    )
    assert plt.get_fignums() == []
    graph = logistic_graph([1.0], 0.0, [2.0], 1)
    assert graph._repr_html_().startswith("<img")


WITHOUT = """
import sys
sys.modules["matplotlib"] = None
from sklearn_gd_logreg.computation_graph import variable
node = (2 * variable(1.5, "<x>")).named("y")
print(node._repr_html_())
try:
    node.plot()
except ImportError as error:
    print(error)
"""


def test_without_matplotlib_a_notebook_shows_the_text():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("<pre>node")
    assert "y = 2 * &lt;x&gt;" in done.stdout
    assert "pip install matplotlib" in done.stdout


@pytest.mark.parametrize("name", ["\x00", "a \x1b[31m", "\ud800", "\n", ""])
def test_a_name_that_cannot_be_shown_is_refused(name):
    with pytest.raises(ValueError, match="printable"):
        variable(1, name)


@pytest.mark.parametrize("nodes", [3, None, variable(1, "x"), [], [1, 2]])
def test_mean_of_no_nodes_is_refused(nodes):
    with pytest.raises(ValueError, match="'nodes' parameter of mean"):
        mean(nodes)


def test_an_int_beyond_the_floats_is_refused():
    for make in (
        variable,
        exp,
        variable(1).__mul__,
        lambda value: logistic_graph([1], value, [1], 1),
    ):
        for value in (10**400, -(10**400)):
            with pytest.raises(ValueError, match="must be a float in the range"):
                make(value)


@pytest.mark.parametrize("f", [None, 3.0, variable(2)])
def test_a_numerical_derivative_needs_a_function(f):
    with pytest.raises(ValueError, match="'f' parameter of numerical_derivative must be callable"):
        numerical_derivative(f, 1.0)


def test_a_slope_beyond_the_floats_is_refused():
    with pytest.raises(ValueError, match="slope of f"):
        numerical_derivative(lambda a: math.copysign(1e308, a), 0.0)
    assert numerical_derivative(lambda a: 5.0, 0.0, h=1e-308) == 0
