"""Data that no constant of the solver was ever chosen on, of other shapes than the other files."""

from collections.abc import Callable

import numpy as np
from benchmark_utils.files import csr
from benchopt import BaseDataset
from scipy import sparse
from sklearn import datasets
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.kernel_approximation import RBFSampler
from sklearn.preprocessing import PolynomialFeatures, StandardScaler, normalize

MAKERS: dict[str, Callable] = {}


def data(make: Callable) -> Callable:
    """Enter a function of a random generator that returns X and y, by its name."""
    MAKERS[make.__name__.replace("_", " ")] = make
    return make


def drawn(rng: np.random.Generator, z: np.ndarray, signal: float = 2.0, rate: float = 0.5):
    """Labels of a logistic model whose scores have a standard deviation and a rate of ones."""
    z = z / z.std() * signal
    return (rng.logistic(size=len(z)) < z - np.quantile(z, 1 - rate)).astype(int)


# -- documents -----------------------------------------------------------------------------


def corpus(rng: np.random.Generator, n_documents: int, length: int, n_words: int):
    """Words by Zipf's law, half of them one of three that are usual after the word before.

    Returns the document and the number of every word; words of a document are consecutive.
    """
    frequency = 1 / (np.arange(n_words) + 2.7)
    usual = rng.choice(n_words, (n_words, 3), p=frequency / frequency.sum())
    free = rng.choice(n_words, (n_documents, length), p=frequency / frequency.sum())
    follows, which = rng.uniform(size=free.shape) < 0.5, rng.integers(3, size=free.shape)
    words = free.copy()
    for j in range(1, length):
        words[:, j] = np.where(follows[:, j], usual[words[:, j - 1], which[:, j]], free[:, j])
    return np.repeat(np.arange(n_documents), length), words.ravel()


def counts(documents: np.ndarray, terms: np.ndarray) -> sparse.csr_array:
    """How often each term that occurs is in each document."""
    terms = np.unique(terms, return_inverse=True)[1]
    shape = documents.max() + 1, terms.max() + 1
    return sparse.csr_array((np.ones(len(terms)), (documents, terms)), shape=shape)


def bigrams_of(documents: np.ndarray, words: np.ndarray):
    """The document and the number of every pair of neighbours; the first word is 0."""
    pairs = words[:-1] * (words.max() + 1) + words[1:]
    inside = documents[1:] == documents[:-1]
    return documents[:-1][inside], pairs[inside]


@data
def bigrams(rng):
    """TF-IDF of words and pairs of neighbours: most columns have one entry."""
    documents, words = corpus(rng, 8000, 60, 20_000)
    single = counts(documents, words)
    X = TfidfTransformer().fit_transform(
        sparse.hstack([single, counts(*bigrams_of(documents, words))], format="csr")
    )
    return X, drawn(rng, X @ rng.standard_normal(X.shape[1]))


@data
def hashed_text(rng):
    """Signed counts of words and pairs, hashed to 2¹⁴ columns that they share; rows of length 1."""
    documents, words = corpus(rng, 10_000, 80, 30_000)
    of_pairs, pairs = bigrams_of(documents, words)
    terms = np.concatenate([words, words.max() + 1 + pairs]).astype(np.uint64)
    hashed = (terms * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(49)  # Knuth's, 15 bits
    columns, signs = (hashed >> np.uint64(1)).astype(int), 1.0 - 2.0 * (hashed & np.uint64(1))
    rows = np.concatenate([documents, of_pairs])
    X = normalize(sparse.csr_array((signs, (rows, columns)), shape=(10_000, 1 << 14)))
    return X, drawn(rng, X @ rng.standard_normal(X.shape[1]), rate=0.3)


@data
def topics(rng):
    """Raw counts of words in documents of eight topics, each with words of its own."""
    topic = rng.integers(8, size=4000)
    frequency = 1 / (np.arange(6000) + 2.7)
    words = np.empty((4000, 50), dtype=int)
    for k in range(8):
        likely = frequency * rng.gamma(4.0, size=6000)
        mine = topic == k
        words[mine] = rng.choice(6000, (mine.sum(), 50), p=likely / likely.sum())
    return counts(np.repeat(np.arange(4000), 50), words.ravel()), topic


# -- tables --------------------------------------------------------------------------------


@data
def repeated_rows(rng):
    """Like logs of connections: few rows occur very often, and features are rounded."""
    kinds = np.round(rng.lognormal(0, 1.5, (4000, 30)) * (rng.uniform(size=(4000, 30)) < 0.4), 1)
    often = 1 / (np.arange(4000) + 5.0)
    rows = rng.choice(4000, 100_000, p=often / often.sum())
    z = np.log1p(kinds) @ rng.standard_normal(30)
    return kinds[rows], drawn(rng, z[rows], signal=4.0, rate=0.2)


@data
def discretised(rng):
    """Six categories of four to nine levels, one column a level: most rows occur many times."""
    levels = np.array([4, 5, 4, 6, 9, 5])
    first = np.concatenate([[0], np.cumsum(levels)[:-1]])
    chosen = np.floor(levels * rng.uniform(size=(60_000, 6)) ** 2).astype(int) + first
    rows = np.repeat(np.arange(60_000), 6)
    X = sparse.csr_array((np.ones(len(rows)), (rows, chosen.ravel())), shape=(60_000, levels.sum()))
    return X, drawn(rng, X @ rng.standard_normal(levels.sum()), rate=0.4)


@data
def raw_counts(rng):
    """Poisson counts with rates from 0.05 to 500 that vary from row to row."""
    rates = 10 ** rng.uniform(-1.3, 2.7, 40)
    X = rng.poisson(rates * rng.gamma(2.0, 0.5, (30_000, 40))).astype(float)
    return X, drawn(rng, np.log1p(X / rates) @ rng.standard_normal(40))


@data
def offsets(rng):
    """Years, customer numbers, seconds since 1970 in one week, kelvins, and eight others."""
    n = 20_000
    far = [
        rng.integers(1950, 2025, n),
        rng.integers(4_000_000, 4_900_000, n),
        rng.uniform(1.7000e9, 1.7006e9, n),
        rng.normal(290, 8, n),
    ]
    X = np.column_stack([*far, rng.standard_normal((n, 8))])
    return X, drawn(rng, StandardScaler().fit_transform(X) @ rng.standard_normal(12))


@data
def interactions(rng):
    """All squares and products of the standardised features of breast cancer: 569 × 495."""
    X, y = datasets.load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    return PolynomialFeatures(2, include_bias=False).fit_transform(X), y


@data
def cubic_terms(rng):
    """The diabetes data to the third degree, 442 × 285: is the target above its median?"""
    X, target = datasets.load_diabetes(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    X = PolynomialFeatures(3, include_bias=False).fit_transform(X)
    return X, (target > np.median(target)).astype(int)


@data
def heavy_tails(rng):
    """Features of Student's t with 2 degrees of freedom and different units."""
    X = rng.standard_t(2, (30_000, 40)) * 10 ** rng.uniform(-1, 1, 40)
    z = np.arctan(X / np.median(np.abs(X), axis=0)) @ rng.standard_normal(40)
    return X, drawn(rng, z)


@data
def rare_class(rng):
    """One row in a hundred is of the first class; some features are skewed, some are flags."""
    skewed, flags = rng.lognormal(0, 1, (60_000, 12)), rng.uniform(size=(60_000, 12)) < 0.1
    X = np.hstack([skewed, flags])
    return X, drawn(rng, X @ rng.standard_normal(24), rate=0.01)


# -- many classes --------------------------------------------------------------------------


@data
def forty_classes(rng):
    """Forty normal classes that overlap, with frequencies by Zipf's law: 2040 parameters."""
    often = 1 / (np.arange(40) + 3.0)
    y = rng.choice(40, 6000, p=often / often.sum())
    return rng.standard_normal((40, 50))[y] * 0.35 + rng.standard_normal((6000, 50)), y


@data
def letters(rng):
    """Thirty-two classes by sixteen features 0 … 15, as the letter recognition data have them."""
    y = rng.integers(32, size=12_000)
    noise = rng.standard_normal((12_000, 16)) @ (np.eye(16) + 0.3 * rng.standard_normal((16, 16)))
    X = 7 + 1.5 * rng.standard_normal((32, 16))[y] + 1.5 * noise
    return np.clip(np.round(X), 0, 15), y


@data
def random_features(rng):
    """The digits in 200 random Fourier features (Rahimi and Recht 2007): 2010 parameters."""
    X, y = datasets.load_digits(return_X_y=True)
    return RBFSampler(gamma=1e-3, n_components=200, random_state=24).fit_transform(X), y


# -- designs -------------------------------------------------------------------------------


def noise_free(rng, n_samples, n_features):
    """Independent features, and labels that a plane through the origin separates."""
    X = rng.standard_normal((n_samples, n_features))
    return X, (X @ rng.standard_normal(n_features) > 0).astype(int)


@data
def separable_and_wide(rng):
    return noise_free(rng, 200, 500)


@data
def separable_and_small(rng):
    return noise_free(rng, 1000, 10)


@data
def separable_and_tall(rng):
    return noise_free(rng, 40_000, 200)


def autoregressive(rng, n_samples, n_features, correlation):
    """Rows of an AR(1) process."""
    X = rng.standard_normal((n_samples, n_features))
    for j in range(1, n_features):
        X[:, j] = correlation * X[:, j - 1] + np.sqrt(1 - correlation**2) * X[:, j]
    return X


@data
def highly_correlated(rng):
    """400 features of neighbours' correlation 0.99, of which ten matter."""
    X = autoregressive(rng, 3000, 400, 0.99)
    return X, drawn(rng, X[:, ::40] @ rng.standard_normal(10), signal=3.0)


@data
def correlated_and_wide(rng):
    """300 × 2000, neighbours' correlation 0.9, of which twenty matter."""
    X = autoregressive(rng, 300, 2000, 0.9)
    return X, drawn(rng, X[:, ::100] @ rng.standard_normal(20), signal=3.0)


@data
def genes(rng):
    """Like expressions of 3000 genes in 90 probes of three tissues: lognormal, in groups."""
    y = rng.integers(3, size=90)
    logs = rng.standard_normal((90, 15)) @ rng.standard_normal((15, 3000)) * 0.3
    logs += rng.standard_normal((90, 3000)) * 0.4 + rng.standard_normal((3, 3000))[y] * 0.3
    return np.log2(1 + np.exp(logs + 5 + 2 * rng.standard_normal(3000))), y


class Dataset(BaseDataset):
    """Documents, tables and designs, simulated or made of scikit-learn's data.

    Parameters
    ----------
    data : str
        The name of a function above, with spaces.
    C, l1_ratio, fit_intercept
        The penalty, as everywhere.
    """

    name = "unseen"
    requirements = ["scikit-learn"]
    parameters = {
        "data": sorted(MAKERS),
        "C": [1.0],
        "l1_ratio": [0.0],
        "fit_intercept": [True],
    }
    test_parameters = {"data": ["genes"]}

    def get_data(self):
        X, y = MAKERS[self.data](np.random.default_rng(24))
        penalty = {"C": self.C, "l1_ratio": self.l1_ratio, "fit_intercept": self.fit_intercept}
        return {"X": csr(X) if sparse.issparse(X) else X, "y": y} | penalty
