"""
House prices: where logistic regression ends and a network begins
=================================================================

How does the price of a house follow from its size? The course begins with the smallest network:
one neuron that computes relu(wx + b). This page trains it by a computation graph, shows what it
shares with logistic regression and what it lacks, and then puts three such neurons side by side.
"""

# sphinx_gallery_thumbnail_number = 3
import matplotlib.pyplot as plt
import numpy as np

from sklearn_gd_logreg import GDLogisticRegression
from sklearn_gd_logreg.computation_graph import exp, log, mean, relu, variable

# %%
# One neuron
# ----------
#
# Sizes are in 1000 square feet and prices in 100 000 dollars: numbers of about 1 to 5, so one
# learning rate suits w and b. The graph of one house has the value and the derivative of each
# part.

sizes, bedrooms = [2.104, 1.6, 2.4, 3.0], [3, 3, 3, 4]
prices = [4.00, 3.30, 3.69, 5.40]

w, b = variable(1, "w"), variable(0, "b")
loss = ((relu(w * sizes[0] + b).named("ŷ") - prices[0]) ** 2).named("loss")
loss.backward()
_ = loss.plot()

# %%
# The cost J is the mean of the four losses. ``backward`` finds dw and db, and gradient descent
# does the rest: w := w − α dw, b := b − α db.


def descend(J, parameters, alpha, n_steps):
    for _ in range(n_steps):
        J.backward()
        for parameter in parameters:
            parameter.value -= alpha * parameter.grad
    return J.forward()


J = mean((relu(w * x + b) - y) ** 2 for x, y in zip(sizes, prices, strict=True))
print(f"J = {descend(J, [w, b], 0.1, 500):.3f} at w = {w.value:.3f}, b = {b.value:.3f}")

_, axes = plt.subplots(figsize=(6, 3), layout="constrained")
x = np.linspace(-1, 3.4, 45)
axes.plot(x, np.maximum(0, w.value * x + b.value), color="#d55e00", label="relu(wx + b)")
axes.plot(sizes, prices, "o", color="#0072b2", label="four houses")
axes.set(xlabel="size (1000 square feet)", ylabel="price (100 000 dollars)")
_ = axes.legend()

# %%
# Where logistic regression ends
# ------------------------------
#
# Put σ in the place of relu and the cross-entropy in the place of the square, and the neuron is
# logistic regression: does the house cost more than 380 000 dollars? Its cost is convex, so
# descents from all starts end at one minimum. The cost of the ReLU neuron is not convex: where w
# is negative, each z is negative, so the answer is 0, and so is the derivative. A descent that
# starts there makes no step.

X, expensive = np.subtract(sizes, 2.3), 1 * np.greater(prices, 3.8)
J_logistic = mean(log(1 + exp(w * x)) - y * w * x for x, y in zip(X, expensive, strict=True))
b.value = 0


def cost_at(cost, value):
    w.value = value
    return cost.forward()


values = np.linspace(-2, 5, 71)
costs = {"one neuron with a ReLU": J, "logistic regression": J_logistic}
_, panels = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
for axes, (title, cost), alpha in zip(panels, costs.items(), (0.02, 2), strict=True):
    axes.plot(values, [cost_at(cost, value) for value in values], color="0.5")
    for start, style, colour in ((-1, "s", "#d55e00"), (4, "o", "#0072b2")):
        w.value, path = start, [start]
        for _ in range(60):
            descend(cost, [w], alpha, 1)
            path.append(w.value)
        heights = [cost_at(cost, value) for value in path]
        axes.plot(path, heights, style, ms=4, color=colour, label=f"start at w = {start}")
    axes.set(title=title, xlabel="w, with b = 0", ylabel="cost J")
model = GDLogisticRegression(C=np.inf, fit_intercept=False).fit(X.reshape(-1, 1), expensive)
lowest = model.coef_[0, 0]
axes.plot(lowest, cost_at(J_logistic, lowest), "k*", ms=12, label="GDLogisticRegression")
_ = axes.legend()

# %%
# Where a network begins
# ----------------------
#
# A network puts neurons side by side and lets another one read their answers. Here three neurons
# read size and number of bedrooms, and a fourth one adds up what they say: 13 parameters. The same
# lines train it, since the graph knows all derivatives. So many parameters fit four prices with
# ease; whether they help with the fifth house, a dev set would tell:
# :doc:`/auto_examples/plot_train_dev_test`.

rng = np.random.default_rng(2)
hidden = [[variable(value) for value in rng.normal(size=3)] for _ in range(3)]
last = [variable(value) for value in rng.normal(size=4)]


def network(size, n_bedrooms):
    answers = [relu(w1 * size + w2 * n_bedrooms + b) for w1, w2, b in hidden]
    return relu(sum(w * answer for w, answer in zip(last, answers, strict=False)) + last[-1])


J = mean((network(*x) - y) ** 2 for *x, y in zip(sizes, bedrooms, prices, strict=True))
print(f"J = {descend(J, sum(hidden, last), 0.02, 2000):.4f} after training")
print("size  bedrooms  price  network")
for size, n, price in zip(sizes, bedrooms, prices, strict=True):
    print(f"{1000 * size:4.0f}  {n:8}  {100 * price:5.0f}  {100 * network(size, n).value:7.0f}")
plt.show()
