"""Computation graphs of scalars with reverse-mode differentiation, as the course draws them.

The notes' own graph is J = 3(a + bc) at a = 5, b = 3, c = 2. Values go from left to right, and
derivatives from right to left:

>>> from sklearn_gd_logreg.computation_graph import variable
>>> a, b, c = variable(5, "a"), variable(3, "b"), variable(2, "c")
>>> u = (b * c).named("u")
>>> v = (a + u).named("v")
>>> J = (3 * v).named("J")
>>> u.value, v.value, J.value
(6.0, 11.0, 33.0)
>>> J.backward()
>>> v.grad, a.grad, u.grad, b.grad, c.grad
(3.0, 3.0, 3.0, 6.0, 9.0)
>>> print(J.to_text())
node       value  derivative
a              5           3
b              3           6
c              2           9
u = b * c      6           3
v = a + u     11           3
J = 3 * v     33           1

The derivative is a slope: nudge a by 0.001, and a² grows 4 times as much, a³ 12 times, ln a half
as much.

>>> from sklearn_gd_logreg.computation_graph import log, numerical_derivative
>>> functions = [lambda a: a**2, lambda a: a**3, log]
>>> for f in functions:
...     slope = numerical_derivative(f, 2.0, h=0.001, scheme="forward")
...     print(f"{f(2.0):.5f} {f(2.001):.5f} {slope:.2f}")
4.00000 4.00400 4.00
8.00000 8.01201 12.01
0.69315 0.69365 0.50
"""

from .logistic import LogisticGraph, logistic_graph
from .node import Node, exp, log, mean, relu, sigmoid, variable
from .numerical import numerical_derivative

__all__ = [
    "LogisticGraph",
    "Node",
    "exp",
    "log",
    "logistic_graph",
    "mean",
    "numerical_derivative",
    "relu",
    "sigmoid",
    "variable",
]
