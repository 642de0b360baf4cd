"""
A cat recogniser
================

Is there a cat in the picture? The course asks this of 209 training images and 50 test images: each
has 64 × 64 points in three colours, so a vector x of 64 · 64 · 3 = 12288 numbers. One neuron
answers with a = σ(wᵀx + b), the probability of a cat. If you have the two files of the course,
``train_catvnoncat.h5`` and ``test_catvnoncat.h5``, and h5py, then

.. code-block:: console

    $ python plot_cat_recogniser.py --data FOLDER

prints the cost table and both accuracies that the course publishes, 99.04 % and 70.0 %, and draws
the pictures. Without the files the same code asks of scikit-learn's digits: is it a 3?
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix

from sklearn_gd_logreg import CostCurveDisplay, GDLogisticRegression

# %%
# The images
# ----------
#
# A third of the training images are cats, and two thirds of the test images. The digits are drawn
# in the same proportions: 72 threes among 209 training images, 111 among 168 test images.
# ``reshape`` makes each image a row of X, and all values lie between 0 and 1.


def cats(folder):
    import h5py

    for part in ("train", "test"):
        with h5py.File(folder / f"{part}_catvnoncat.h5") as file:
            yield file[f"{part}_set_x"][:] / 255
            yield file[f"{part}_set_y"][:]


def threes():
    digits = load_digits()
    order = np.random.default_rng(1).permutation(len(digits.target))
    images, y = digits.images[order] / 16, 1 * (digits.target[order] == 3)
    threes, others = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    for rows in (np.r_[threes[:72], others[:137]], np.r_[threes[72:], others[137:194]]):
        yield images[rows]
        yield y[rows]


parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path, metavar="FOLDER", help="where the two .h5 files are")
folder = parser.parse_known_args()[0].data  # a notebook has arguments that are not ours
thing, alpha = ("cat", 0.005) if folder else ("3", 0.5)
images, y, test_images, y_test = cats(folder) if folder else threes()
X, X_test = (part.reshape(len(part), -1) for part in (images, test_images))
print(f"Is it a {thing}? {images.shape} becomes {X.shape}.")

# %%
# Training
# --------
#
# The course makes 2000 steps of plain gradient descent from w = 0, without a penalty. Entry k of
# the history is the cost before step k.


def train(alpha):
    model = GDLogisticRegression(C=np.inf, solver="gd", learning_rate=alpha, max_iter=2000, tol=0)
    return model.fit(X, y)


def every_50th(history):
    return {name: column[::50] for name, column in history.items()}


models = {f"α = {rate:g}": train(rate) for rate in alpha * np.array([0.02, 0.2, 1, 2])}
model = models[f"α = {alpha:g}"]
for step in range(0, 2000, 100):
    print(f"cost before step {step:4}: {model.history_['cost'][step]:.6f}")
print(f"accuracy: {model.score(X, y):.2%} in training, {model.score(X_test, y_test):.2%} in test")

# %%
# The weights and the learning rate
# ---------------------------------
#
# There is a weight for each value of an image, so the weights are an image too. A red point speaks
# for a 3 and a blue one against it; for cats the image has the colours of its weights. On the
# right is every 50th cost, for four learning rates. The smaller rates are slow. On the cats the
# largest one, 0.01, swings for hundreds of steps before it descends.

w = model.coef_.reshape(images.shape[1:])
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
left.imshow(np.clip(0.5 + w / (4 * w.std()), 0, 1), cmap="RdBu_r", vmin=0, vmax=1)
left.set(title="the weights w", xticks=[], yticks=[])
_ = CostCurveDisplay({name: every_50th(models[name].history_) for name in models}).plot(right)

# %%
# The mistakes
# ------------
#
# Above each image: what it is, and the answer a of the model. Most of them are of the class that
# the model is asked for, with a below ½.

z, a = model.decision_function(X_test), model.predict_proba(X_test)[:, 1]
wrong = np.flatnonzero((a > 0.5) != y_test)
figure, panels = plt.subplots(2, 8, figsize=(8, 2.8), layout="constrained")
for axes in panels.flat:
    axes.axis("off")
for axes, k in zip(panels.flat, wrong[np.argsort(a[wrong])], strict=False):
    axes.imshow(test_images[k], cmap="gray_r")
    axes.set_title(f"{thing if y_test[k] else 'other'}: {a[k]:.2f}", fontsize=10)

# %%
# One reason is the *prior shift*. The odds of a cat are the prior odds times what the image says.
# The model learnt the prior odds of the training images, π/(1 − π), and the test images have
# others. If you know the share of cats to expect, add the difference of the log-odds to z. This
# needs no new training.


def log_odds(labels):
    return np.log(labels.mean() / (1 - labels.mean()))


shift = log_odds(y_test) - log_odds(y)
print(f"share of the class: {y.mean():.0%} in training, {y_test.mean():.0%} in test")
for name, score in (("z", z), (f"z + {shift:.2f}", z + shift)):
    _, false_alarms, missed, _ = confusion_matrix(y_test, score > 0).ravel()
    accuracy = 1 - (missed + false_alarms) / len(y_test)
    print(f"{name:8}  {accuracy:.2%} right, {missed} missed, {false_alarms} false alarms")
plt.show()

# %%
# The other reason is variance: the model fits its training images almost without error, and new
# images worse. For the cats it has 12288 weights and only 209 images.
# :doc:`/user_guide/model_selection` tells the two apart.
