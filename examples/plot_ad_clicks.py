"""
Structured data: will the user click on the ad?
===============================================

How does a table with numbers and categories become the x of logistic regression, and can the
probabilities be trusted?

*Structured* data have columns, each with a meaning. The :doc:`course </course_map>` shows such a
table of users and ads:
"""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from scipy.special import expit
from sklearn.base import clone
from sklearn.calibration import CalibrationDisplay
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

from sklearn_gd_logreg import GDLogisticRegression

course = {"age": [41, 80, 18, 27], "ad": [93242, 93287, 87312, 71244], "click": [1, 0, 1, 1]}
print(pd.DataFrame(course).to_string(index=False))

# %%
# A larger table
# --------------
# Four rows teach nothing, so the script makes a few thousand, with a known click probability.
# The ad, the device, the hour and the age add to its log-odds. The age does so along a curve. The
# number of an ad is a name, not a quantity: ad 93287 is not more than ad 93242.

ADS = {"93242": 0.0, "93287": -0.8, "87312": 0.9, "71244": 0.4, "65021": -0.3, "50817": 1.5}
DEVICES = {"desktop": 0.0, "phone": 0.6, "tablet": -0.4}


def age_effect(age):
    return 1.5 * np.exp(-(((age - 30) / 12) ** 2)) - 0.8 * expit((age - 60) / 5)


rng, n_rows = np.random.default_rng(0), 6000
X = pd.DataFrame({"age": rng.integers(18, 81, n_rows), "hour": rng.integers(0, 24, n_rows)})
X["ad"] = rng.choice(list(ADS), n_rows, p=[0.3, 0.25, 0.2, 0.15, 0.08, 0.02])
X["device"] = rng.choice(list(DEVICES), n_rows)
log_odds = age_effect(X["age"]) + 0.5 * np.cos(2 * np.pi * (X["hour"] - 20) / 24)
log_odds += X["ad"].map(ADS) + X["device"].map(DEVICES) - 2.5
y = rng.binomial(1, expit(log_odds))
print(X.head().assign(click=y[:5]).to_string(index=False))
print(f"{y.mean():.1%} of {n_rows} rows are clicks")

# %%
# From columns to features
# ------------------------
# A `~sklearn.compose.ColumnTransformer` gives each column what suits it: an indicator for each ad
# and device, a periodic spline for the hour, so that 23 is close to 0. The age can be a straight
# line or a spline. A grid search tries both, with the penalty.

X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
knots = np.linspace(0, 24, 5)[:, np.newaxis]
hour = ("hour", SplineTransformer(knots=knots, extrapolation="periodic"), ["hour"])
names = ("names", OneHotEncoder(), ["ad", "device"])
features = ColumnTransformer([names, hour, ("age", StandardScaler(), ["age"])])
pipe = Pipeline([("features", features), ("clf", GDLogisticRegression())])
grid = {"features__age": [StandardScaler(), SplineTransformer(n_knots=6)], "clf__C": [0.1, 1, 10]}
search = GridSearchCV(pipe, grid, scoring="neg_log_loss", cv=5).fit(X_train, y_train)
table = pd.DataFrame(search.cv_results_["params"])
print(table.assign(log_loss=-search.cv_results_["mean_test_score"]).round(4).to_string(index=False))

# %%
# The spline has the lower loss for each C: the effect of age is not a straight line.
#
# Probabilities to be trusted
# ---------------------------
# An advertiser pays by the probability, so its size matters, not only the order. The minimum of the
# cross-entropy is at the true probabilities, if the features can express them: of the rows with
# ŷ = 0.2, one in five is a click. With ``class_weight="balanced"`` all clicks weigh as much as all
# other rows. Then ŷ is too large: the curve lies far below the diagonal.

best = search.best_estimator_
balanced = clone(best).set_params(clf__class_weight="balanced").fit(X_train, y_train)
plt.rc("axes", grid=True, axisbelow=True)
plt.rc("axes.spines", top=False, right=False)
plt.rc("grid", color="#80808040")
figure, ax = plt.subplots(figsize=(6, 4.5), layout="constrained")
options = {"n_bins": 8, "strategy": "quantile", "ax": ax}
for name, model, style in [
    ("all rows alike", best, {"color": "#0072b2", "marker": "o"}),
    ("balanced classes", balanced, {"color": "#d55e00", "marker": "s"}),
]:
    CalibrationDisplay.from_estimator(model, X_test, y_test, name=name, **options, **style)
_ = ax.set(xlabel="predicted probability of a click", ylabel="share of clicks in test rows")

# %%
# What the model has learnt
# -------------------------
# The log-odds are a sum over the columns. The effect of a column is how the sum changes when this
# column alone changes. Beside it is the truth, which only a simulation knows. Both are shown about
# their means, since a constant is part of b. The ad 50817 was shown least, so its effect is the
# least precise.

figure, axes = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained", sharey=True)
ages = np.arange(18, 81)
truths = {"age": (ages, age_effect(ages), "-"), "ad": (list(ADS), np.array([*ADS.values()]), "o")}
for ax, (column, (values, truth, style)) in zip(axes, truths.items(), strict=True):
    rows = X_train.iloc[[0] * len(values)].assign(**{column: values})
    learnt = best.decision_function(rows)
    ax.plot(values, truth - truth.mean(), style, color="#6b6b6b", ms=11, lw=4, label="true")
    ax.plot(values, learnt - learnt.mean(), style, color="#0072b2", label="learnt")
    ax.set(xlabel=column, title=f"Effect of the {column} on the log-odds")
    ax.legend()
plt.show()
