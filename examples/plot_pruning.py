"""
A custom callback: pruning a search
===================================

How much of a search for hyper-parameters goes into fits that cannot win any more?

A callback sees the validation loss during the fit and can stop it. This one stops a fit that does
worse than other fits did at the same iteration, which is called *pruning*. `optuna
<https://optuna.org>`_ chooses the candidates and decides what to prune. Where it is not installed,
random draws and a median stand in.

Callbacks need scikit-learn 1.9. The :doc:`user guide </user_guide/resuming>` shows those of the
package.
"""

from collections import defaultdict

import numpy as np
from matplotlib import pyplot as plt
from sklearn.callback import FitCallback
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_gd_logreg import GDLogisticRegression

try:
    import optuna
except ImportError:
    optuna = None

# %%
# The callback
# ------------
# A callback has four methods, of which this one needs one; the others do nothing. A fit of
# `GDLogisticRegression` consists of tasks, and a task is an iteration here. At its end
# ``fitted_estimator`` is the model as it stands, with its ``history_``. If ``on_fit_task_end``
# returns True, the fit stops.


class Pruning(FitCallback):
    """Report the validation loss every few iterations; stop the fit if the trial is pruned."""

    def __init__(self, trial, every=5):
        self.trial, self.every = trial, every

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        k = context.task_id + 1
        if context.task_name != "iteration" or k % self.every:
            return False
        self.trial.report(fitted_estimator.history_["val_loss"][-1], k)
        return self.trial.should_prune()


# %%
# The decision
# ------------
# The median rule prunes a fit whose loss is above the median of the fits that came as far. It
# needs five fits to compare with, so the first five run to their end, even a bad one. It is the
# default of optuna, and this class stands in for a trial of optuna.


class MedianTrial:
    """Random parameters, pruned by the median rule."""

    rng, losses = np.random.default_rng(0), defaultdict(list)  # of all trials

    def suggest_float(self, name, low, high, log):
        return np.exp(self.rng.uniform(np.log(low), np.log(high)))

    def report(self, loss, k):
        self.losses[k].append(loss)
        self.behind = len(self.losses[k]) > 5 and loss > np.median(self.losses[k])

    def should_prune(self):
        return self.behind


# %%
# The search
# ----------
# The candidates are learning rates of Adam and strengths of the penalty. The data are
# scikit-learn's digits, and a dev set judges.

X, y = load_digits(return_X_y=True)
X, X_dev, y, y_dev = train_test_split(X / 16, y, stratify=y, random_state=0)
fits = []


def objective(trial):
    rate = trial.suggest_float("learning_rate", 1e-4, 10, log=True)
    C = trial.suggest_float("C", 1e-3, 100, log=True)
    clf = GDLogisticRegression(C=C, solver="adam", learning_rate=rate, max_iter=100, tol=0)
    fits.append(clf.set_callbacks(Pruning(trial)).fit(X, y, X_val=X_dev, y_val=y_dev))
    if optuna and clf.stop_reason_ == "callback":
        raise optuna.TrialPruned
    return clf.history_["val_loss"][-1]


if optuna:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=30)
else:
    losses = [objective(MedianTrial()) for _ in range(30)]

# %%
# What pruning saves
# ------------------
# Each line is a fit. For comparison the same candidates are fitted again without the callback: the
# grey lines show how the pruned fits would have gone on. Pruning is a bet that the fits that lag
# early also lag at the end. It loses the bet if a grey line ends below all blue ones.

plt.rc("axes.spines", top=False, right=False)
figure, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
styles = {"callback": ("X-", "#d55e00"), "max_iter": ("o-", "#0072b2")}
lines, passes = {}, np.zeros(2)
for clf in fits:
    whole = GDLogisticRegression(**clf.get_params()).fit(X, y, X_val=X_dev, y_val=y_dev)
    passes += clf.history_["passes"][-1], whole.history_["passes"][-1]
    ax.plot(whole.history_["val_loss"], color="#bbbbbb", lw=0.8, zorder=1)
    style, colour = styles[clf.stop_reason_]
    lines[clf.stop_reason_] = ax.plot(clf.history_["val_loss"], style, c=colour, markevery=[-1])
ax.set(xlabel="iteration", ylabel="validation loss", yscale="log")
ax.set_title("{:.0f} passes over the data with pruning, {:.0f} without".format(*passes))
ax.legend([line for (line,) in lines.values()], lines, title="stop_reason_")
plt.show()
