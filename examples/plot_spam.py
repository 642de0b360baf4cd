"""
Spam or not: text as a sparse table
===================================

Which words give a spam message away, and how many of them are needed?

Text is *unstructured* data: a message has no columns. Tf-idf makes columns, one for each word, and
nearly all entries of a row are 0. `GDLogisticRegression` takes such a sparse matrix as it is. An L2
penalty gives every word a weight; an L1 penalty keeps few words.

The script makes its messages. On the `SMS Spam Collection
<https://archive.ics.uci.edu/dataset/228/sms+spam+collection>`_ it does the same:
``python plot_spam.py --data FOLDER`` reads the file ``SMSSpamCollection`` in that folder.
"""

from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import precision_recall_curve, precision_score, recall_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_gd_logreg import GDLogisticRegression

# %%
# The messages
# ------------
# One message in five is spam. A message is two to six phrases. Most come from the list of its own
# kind, a third from the list that all people share, and a few from the list of the other kind:
# friends write "claim" and "free" too. So no rule is always right. Each message also ends
# with one of a thousand names: noise that a model can learn by heart.

SPAM = """win a free phone, claim your prize now, you have won cash, urgent your account is locked,
    free entry in our weekly draw, txt stop to end, click the link, cheap loan, reply yes"""
HAM = """lunch at noon, i am on my way home, did you win the game, sorry i am late, love you,
    the meeting is at nine, the exam was hard, i lost my phone again, lets watch a film tonight"""
ANYONE = """call me when you are free, are you there, your order has arrived, please reply,
    how are you, text me the number, what time is it, i have the link, have a nice day"""


def make_messages(n_messages, rng):
    spam, ham, anyone = (text.replace("\n   ", "").split(", ") for text in (SPAM, HAM, ANYONE))
    y, messages = rng.binomial(1, 0.2, n_messages), []
    for is_spam in y:
        own, other = (spam, ham) if is_spam else (ham, spam)
        lists = rng.choice(3, size=rng.integers(2, 7), p=[0.6, 0.34, 0.06])
        phrases = [rng.choice((own, anyone, other)[k]) for k in lists]
        messages.append(" ".join([*phrases, f"name{rng.integers(1000)}"]))
    return np.array(messages), y


parser = ArgumentParser()
parser.add_argument("--data", type=Path, help="folder with the file SMSSpamCollection")
if folder := parser.parse_known_args()[0].data:  # a notebook has arguments of its own
    table = pd.read_csv(folder / "SMSSpamCollection", sep="\t", header=None, quoting=3)
    messages, y = table[1].to_numpy(str), (table[0] == "spam").to_numpy(int)
else:
    messages, y = make_messages(2000, np.random.default_rng(0))
print(pd.DataFrame({"message": messages, "spam": y}).head(8))

# %%
# Two penalties
# -------------
# A grid search chooses C for each penalty on the training messages. The test messages then say how
# good the model is. *Precision* is the share of spam among the messages that the model calls spam.
# *Recall* is the share of all spam that it finds.

train, test, y_train, y_test = train_test_split(messages, y, stratify=y, random_state=0)
grid = {"gdlogisticregression__C": [1, 3, 10, 30, 100]}
models, scores = {}, {}
for penalty, l1_ratio in {"L2": 0, "L1": 1}.items():
    pipe = make_pipeline(TfidfVectorizer(), GDLogisticRegression(l1_ratio=l1_ratio))
    search = GridSearchCV(pipe, grid, scoring="neg_log_loss", cv=3).fit(train, y_train)
    models[penalty], predicted = search.best_estimator_, search.predict(test)
    scores[penalty] = precision_score(y_test, predicted), recall_score(y_test, predicted)
    coef = models[penalty][-1].coef_
    print(f"{penalty}, C = {models[penalty][-1].C}: {np.count_nonzero(coef)} of {coef.size} words,")
    print("    precision {:.3f}, recall {:.3f}".format(*scores[penalty]))

# %%
# The L2 model has a weight for every word, the names too. The L1 model drops most words and finds
# the spam about as well. Its list of words is short enough to read.
#
# The pictures
# ------------
# Left: the heaviest words of the L1 model. A positive weight raises the probability of spam, a
# negative one lowers it. The names among them are noise that was learnt by heart. Right: precision
# against recall for all thresholds on the probability. The dots are the threshold 0.5, at which
# ``predict`` decides. To lose fewer good messages, raise the threshold: this leads along the curve
# to the left.

words, weights = models["L1"][0].get_feature_names_out(), models["L1"][-1].coef_[0]
heaviest = np.argsort(weights)[np.r_[0:8, -12:0]]
blue, orange = "#0072b2", "#d55e00"
plt.rc("axes", grid=True, axisbelow=True)
plt.rc("axes.spines", top=False, right=False)
plt.rc("grid", color="#80808040")
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4.4), layout="constrained")
left.barh(words[heaviest], weights[heaviest], color=[blue] * 8 + [orange] * 12)
left.set(xlabel="weight", title="Heaviest words: ham (below), spam (above)")
for penalty, style in {"L2": {"color": blue}, "L1": {"color": orange, "ls": "--"}}.items():
    curve = precision_recall_curve(y_test, models[penalty].predict_proba(test)[:, 1])
    right.plot(curve[1], curve[0], label=penalty, **style)
    right.plot(*reversed(scores[penalty]), "o", color=style["color"])
right.set(xlabel="recall", ylabel="precision", xlim=(0.4, 1.01), ylim=(0.4, 1.01))
right.legend(title="test messages", loc="lower left")
plt.show()
