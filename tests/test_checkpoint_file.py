"""What a checkpoint file holds comes back exactly, and no file runs code, whatever is in it."""

import functools
import gc
import json
import os
import pickle
import random
import tracemalloc
import zipfile
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from sklearn_gd_logreg import (
    Checkpoint,
    GDLogisticRegression,
    LearningRate,
    NaturalGradient,
    UpdateRule,
    registry,
)
from sklearn_gd_logreg.callbacks.checkpoint import content_of
from sklearn_gd_logreg.callbacks.checkpoint_file import FORMAT, packed
from sklearn_gd_logreg.registry import CLASSES
from sklearn_gd_logreg.rules.natural import prox_newton
from sklearn_gd_logreg.state import freeze, thaw

from .test_resume import rows, same

X, Y = rows()


def model(**params):
    return GDLogisticRegression(**{"tol": 0, "max_iter": 5, "warm_start": True} | params)


def written(path, **params):
    """A file of a fit of five iterations."""
    path.write_bytes(packed(content_of(model(**params).fit(X, Y))))
    return path


# -- values -----------------------------------------------------------------------------------

dtypes = st.one_of(
    arrays.floating_dtypes(), arrays.integer_dtypes(), arrays.unicode_string_dtypes(max_len=5)
)
atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    arrays.arrays(dtypes, arrays.array_shapes(min_dims=0, min_side=0)),
    arrays.from_dtype(np.dtype("f4")),
    arrays.from_dtype(np.dtype("i8")),
)
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.integers(), st.text(), st.tuples(st.text())), inner),
    ),
    max_leaves=12,
)


def identical(one, other):
    """Whether two values have the same types and the same bits."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray | np.generic):
        alike = (one.dtype, one.shape) == (other.dtype, other.shape)
        if one.dtype.kind == "O":
            return alike and identical(one.tolist(), other.tolist())
        return alike and one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        return list(one) == list(other) and identical(list(one.values()), list(other.values()))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(identical, one, other))
    return one == other or (one != one and other != other)


@given(values)
def test_values_come_back_bit_by_bit(value):
    frozen = freeze(value)
    through_json = frozen.__class__(json.loads(json.dumps(frozen.tree)), frozen.arrays, {})
    assert identical(thaw(through_json), value)


def test_the_order_of_an_array_stays_and_so_does_who_shares_it():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    inner = [array, 1]
    outer = {"a": inner, "b": inner, "c": array}
    inner.append(outer)
    new = thaw(freeze(outer))
    assert new["a"] is new["b"]
    assert new["a"][2] is new
    assert new["c"] is new["a"][0]
    assert new["c"].flags.f_contiguous
    assert not np.shares_memory(new["c"], array)


def test_a_change_of_a_thawed_value_is_seen_by_no_other():
    """So a rule that changes its memory in place resumes twice from the same state."""
    frozen = freeze({"memory": np.zeros(3)})
    thaw(frozen)["memory"][:] = 1
    np.testing.assert_array_equal(thaw(frozen)["memory"], 0)


@pytest.mark.parametrize(
    "value",
    [{1, 2}, lambda: 3, open, os, object(), np.zeros(2, "f4,i4"), np.random.default_rng(0), 1j],
    ids=lambda value: type(value).__name__,
)
def test_what_is_more_than_its_attributes_is_refused(value):
    with pytest.raises(TypeError, match="cannot be stored"):
        freeze([value])


# -- parameters and labels --------------------------------------------------------------------

LABELS = {
    "numbers": np.array([3, 5, 9]),
    "floats": np.array([1.0, 2.0, 4.0]),
    "text": np.array(["ant", "bee", "cat"]),
    "objects": np.array(["ant", "bee", "cat"], dtype=object),
    "days": np.array(["2020-01-01", "2021-01-01", "2022-01-01"], dtype="M8[D]"),
}


@pytest.mark.parametrize("labels", LABELS)
def test_labels_and_class_weights_come_back(labels, tmp_path):
    classes = LABELS[labels]
    weight = None if labels == "days" else {classes[0]: 2.0}
    clf = model(class_weight=weight).fit(X, classes[Y])
    (tmp_path / "fit").write_bytes(packed(content_of(clf)))
    loaded = Checkpoint.load(tmp_path / "fit")
    assert identical(loaded.classes_, clf.classes_)
    assert identical(loaded.get_params(), clf.get_params())
    same(loaded.fit(X, classes[Y]), clf.fit(X, classes[Y]))


def test_a_source_of_shuffles_comes_back_where_it_was(tmp_path):
    source = np.random.RandomState(3)
    source.normal()
    loaded = Checkpoint.load(written(tmp_path / "fit", random_state=source))
    np.testing.assert_array_equal(loaded.random_state.normal(size=9), source.normal(size=9))


# -- custom rules -----------------------------------------------------------------------------


class Past(NamedTuple):
    mean: np.ndarray
    k: int


@dataclass
class Notes:
    past: Past
    norms: list = field(default_factory=list)


@dataclass(slots=True)
class Slotted:
    notes: Notes


class Plain:
    def __init__(self, notes):
        self.inside = Slotted(notes)


class SignDescent(UpdateRule):
    """A rule whose memory is made of all kinds of objects."""

    def __init__(self, beta=0.9, squash=np.tanh):
        self.beta = beta
        self.squash = squash

    def init(self, w):
        return Plain(Notes(Past(np.zeros_like(w), 0)))

    def step(self, point, alpha, memory):
        notes = memory.inside.notes
        mean = self.beta * notes.past.mean + (1 - self.beta) * point.dw
        norms = [*notes.norms[-3:], float(np.abs(mean).max())]
        step = alpha / (1 + notes.past.k + sum(norms))
        after = Plain(Notes(Past(mean, notes.past.k + 1), norms))
        return point.prox(point.w - step * self.squash(mean), step), after


class Halving(LearningRate):
    def __init__(self, alpha=0.5):
        self.alpha = alpha

    def __call__(self, k):
        return self.alpha / 2**k


def tenth(k):
    return 0.1 / (k + 1)


MINE = {
    f"{__name__}.{thing.__name__}": thing
    for thing in (SignDescent, Plain, Slotted, Notes, Past, Halving, tenth)
} | {"numpy.tanh": np.tanh, "functools.partial": functools.partial(tenth)}


@pytest.mark.parametrize(
    "rate", [0.3, Halving(), tenth, CLASSES["FunctionRate"](tenth), MINE["functools.partial"]]
)
def test_a_custom_rule_and_rate_resume_exactly_only_where_they_are_trusted(rate, tmp_path):
    params = {"solver": SignDescent(), "learning_rate": rate}
    path = written(tmp_path / "fit", **params)
    with pytest.raises(ValueError, match="trust") as error:
        Checkpoint.load(path)
    needed = {name: thing for name, thing in MINE.items() if repr(name) in str(error.value)}
    assert f"{__name__}.SignDescent" in needed
    for name in needed:
        with pytest.raises(ValueError, match=f"not of sklearn_gd_logreg.*trusted=.*'{name}'"):
            Checkpoint.load(path, {other: MINE[other] for other in needed if other != name})
    loaded = Checkpoint.load(path, needed)
    same(loaded.fit(X, Y), model(max_iter=10, **params).fit(X, Y))


def test_a_custom_class_never_passes_for_one_of_the_package(tmp_path):
    class Adam(UpdateRule):
        def step(self, point, alpha, memory):
            return point.w - alpha * point.dw, memory

    path = written(tmp_path / "fit", solver=Adam())
    with pytest.raises(ValueError, match=r"trusted=.*Adam'"):
        Checkpoint.load(path)
    loaded = Checkpoint.load(path, {f"{__name__}.{Adam.__qualname__}": Adam, "Adam": None})
    assert type(loaded.solver) is Adam


def test_the_error_shows_a_call_that_can_be_written(tmp_path):
    path = written(tmp_path / "fit", learning_rate=lambda k: 0.1)
    with pytest.raises(ValueError, match=r"trusted=\{'[^']*<lambda>': \.\.\.\}"):
        Checkpoint.load(path)


@pytest.mark.parametrize("wrong", [dict, os.getcwd, Halving])
def test_another_class_under_a_name_of_the_file_is_an_error_that_names_trusted(wrong, tmp_path):
    path = written(tmp_path / "fit", solver=SignDescent())
    with pytest.raises(ValueError, match="'trusted' has something else"):
        Checkpoint.load(path, MINE | {f"{__name__}.SignDescent": wrong})


def test_the_classes_of_a_checkpoint_are_of_this_package_and_no_two_have_one_name():
    assert all(kind.__module__.startswith("sklearn_gd_logreg.") for kind in CLASSES.values())
    groups = [value for value in vars(registry).values() if isinstance(value, tuple)]
    assert len(CLASSES) == sum(map(len, groups))


STATES = {
    "gd": {"solver": "gd"},
    "momentum": {"solver": "momentum"},
    "nesterov": {"solver": "nesterov"},
    "adagrad": {"solver": "adagrad"},
    "rmsprop": {"solver": "rmsprop"},
    "adam": {"solver": "adam", "batch_size": 16},
    "Newton": {},
    "diagonal": {"solver": NaturalGradient(direct_limit=1)},
    "Kronecker": {"solver": NaturalGradient(direct_limit=10)},
    "products": {"solver": NaturalGradient(direct_limit=1, exact=True)},
    "L1": {"l1_ratio": 1.0},
    "epoch": {"batch_size": 16},
    "epoch by products": {"batch_size": 16, "solver": NaturalGradient(direct_limit=1)},
    "epoch, L1": {"batch_size": 16, "l1_ratio": 1.0, "solver": NaturalGradient(direct_limit=3)},
}


def test_every_class_of_a_descent_occurs_and_every_descent_resumes_exactly(tmp_path, monkeypatch):
    met = set()

    def resumes(params, X, y, first, last, **start):
        params = {"random_state": 0, "tol": 0, "warm_start": True} | params
        clf = GDLogisticRegression(max_iter=first, **params).fit(X, y, **start)
        (tmp_path / "fit").write_bytes(packed(content_of(clf)))
        state = json.loads(members_of((tmp_path / "fit").read_bytes())["state.json"])
        met.update(state["names"])
        whole = GDLogisticRegression(max_iter=last, **params).fit(X, y, **start)
        same(Checkpoint.load(tmp_path / "fit").set_params(max_iter=last - first).fit(X, y), whole)

    for params in STATES.values():
        resumes(params, X, Y, 3, 6)
    resumes({}, X, Y, 0, 6, coef_init=np.full((3, 5), 90.0))  # on the way to w = 0
    monkeypatch.setattr(prox_newton, "matrix_cost", lambda *_: 1e9)
    wide = np.random.default_rng(0).normal(size=(300, 600))
    few = sparse.csr_array(np.where(wide > 2, wide, 0))
    resumes({"l1_ratio": 1.0, "C": 30.0}, few, np.arange(300) % 2, 1, 3)
    for rate in registry.RATES:
        if rate.__name__ != "FunctionRate":
            resumes({"solver": "gd", "learning_rate": rate()}, X, Y, 3, 6)
    assert met == set(CLASSES) - {"FunctionRate"}


# -- files that are none ----------------------------------------------------------------------


class Bomb:
    """Its pickle makes a file as it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_no_pickle_is_opened_and_those_of_old_versions_are_named(tmp_path):
    bomb = Bomb(tmp_path / "ran")
    for content, message in [
        (bomb, "no checkpoint"),
        ({"format": "sklearn_gd_logreg checkpoint 4", "estimator": bomb}, "version.*checkpoint 4'"),
        ({"format": FORMAT, "estimator": bomb}, "damaged|no checkpoint|version"),
    ]:
        for protocol in (2, 4, 5):
            (tmp_path / "file").write_bytes(pickle.dumps(content, protocol))
            with pytest.raises(ValueError, match=message):
                Checkpoint.load(tmp_path / "file")
    assert not (tmp_path / "ran").exists()


def other_files(folder):
    """Files of other kinds, by name."""
    np.savez(folder / "some.npz", X=X)
    np.save(folder / "some.npy", X)
    (folder / "empty").write_bytes(b"")
    (folder / "text").write_text("sklearn_gd_logreg checkpoint 6")
    with zipfile.ZipFile(folder / "some.zip", "w") as archive:
        archive.writestr("state.json", "{}")
    return [*folder.iterdir()]


def test_other_files_are_refused_by_their_names(tmp_path):
    for path in other_files(tmp_path):
        with pytest.raises(
            ValueError, match=rf"{path.name}' cannot be loaded: it is no checkpoint"
        ):
            Checkpoint.load(path)


# -- damage -----------------------------------------------------------------------------------


def members_of(content):
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sealed(members, compression=zipfile.ZIP_STORED):
    """A file of these parts with a checksum that is right."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
        archive.comment = f"{FORMAT} sha256 {'0' * 64}".encode()
    body = stream.getvalue()[:-64]
    return body + sha256(body).hexdigest().encode()


def outcome(path, content):
    """The estimator of a file, or None where there is an error of the kind that is promised."""
    path.write_bytes(content)
    try:
        return Checkpoint.load(path)
    except ValueError:
        return None


def test_a_file_that_numpy_and_zipfile_can_read(tmp_path):
    path = written(tmp_path / "fit")
    with np.load(path) as content:
        assert "0" in content.files
        assert FORMAT.encode() in zipfile.ZipFile(path).comment
    assert sealed(members_of(path.read_bytes()))[-64:] != b"0" * 64
    assert outcome(path, sealed(members_of(path.read_bytes()))) is not None


@pytest.mark.parametrize("fit", [{}, {"solver": "adam", "batch_size": 16, "random_state": 0}])
def test_a_damaged_file_is_an_error(fit, tmp_path):
    content, chance = written(tmp_path / "fit", **fit).read_bytes(), random.Random(0)
    for _ in range(200):
        damaged = bytearray(content)
        kind = chance.randrange(4)
        at = chance.randrange(len(content))
        if kind == 0:
            del damaged[at:]
        elif kind == 1:
            del damaged[at : at + chance.randrange(1, 100)]
        elif kind == 2:
            damaged[at : at + 50] = chance.randbytes(chance.randrange(100))
        else:
            for _ in range(chance.choice([1, 1, 10])):
                damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        if bytes(damaged) != content:
            assert outcome(tmp_path / "file", bytes(damaged)) is None


def forged_members(members):
    """What somebody might write on purpose: parts of a file that are not what they should be."""
    text = members["state.json"]
    name, first = next((name, part) for name, part in members.items() if b"'<f8'" in part)
    shape = first[first.index(b"'shape': ") : first.index(b", }")]
    huge = first.replace(shape, b"'shape': (99999999999,)"[: len(shape)].ljust(len(shape)))
    deep = b'{"names":[],"tree":' + b'{"list":[' * 50_000 + b"]}" * 50_000 + b"}"
    bad = [
        {**members, name: huge},
        {**members, name: first[:-1]},
        {**members, name: first + b"\0"},
        {**members, name: first.replace(b"'<f8'", b"'|O' ")},
        {**members, name: first.replace(b"'<f8'", b"'<U0'")},
        {**members, name: pickle.dumps(3)},
        {**members, name: b""},
        {**members, "../../etc/passwd": b""},
        {**members, "99999.npy": first},
        {other: member for other, member in members.items() if other != name},
        {other: member for other, member in members.items() if other != "state.json"},
        dict(reversed(members.items())),
    ]
    for called in ("os.system", "builtins.eval", "builtins.object", "Gone"):
        bad.append({**members, "state.json": text.replace(b'"Point"', json.dumps(called).encode())})
        named = {"names": [], "tree": {"object": called, "fields": {}}}
        bad.append({**members, "state.json": json.dumps(named).encode()})
        bad.append({**members, "state.json": json.dumps({**named, "names": [called]}).encode()})
    trees = [
        b"",
        b"[]",
        b"nan",
        deep,
        text[:-1],
        text.replace(b'"fused"', b'"__class__"'),
        text.replace(b'"fused"', b'"move"'),
        text.replace(b'"estimator"', b'"stimulator"'),
        text.replace(b'"coef_"', b'"fit"'),
        text.replace(b'"name":"GDLogisticRegression"', b'"name":"Point"'),
        text.replace(b'"array":0', b'"array":10000000'),
        text.replace(b'"array":0', b'"items":[],"shape":[1000000000000]'),
        text.replace(b'"array":0', b'"items":[],"shape":[1000000000000,0]'),
        text.replace(b'["pos",', b'["pos",1000'),
    ]
    assert text not in trees
    return bad + [{**members, "state.json": tree} for tree in trees]


def test_a_forged_file_is_an_error_and_takes_no_more_memory_than_its_size(tmp_path):
    path = written(tmp_path / "fit", random_state=np.random.RandomState(0))
    content = path.read_bytes()
    forged = [sealed(members) for members in forged_members(members_of(content))]
    zeros = {**members_of(content), "0.npy": bytes(1 << 26)}
    forged.append(sealed(zeros, zipfile.ZIP_DEFLATED))
    del zeros
    tracemalloc.start()
    for file in forged:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        assert outcome(path, file) is None
        assert tracemalloc.get_traced_memory()[1] - before < 30 * len(file) + 5_000_000
    tracemalloc.stop()


def test_a_tree_altered_at_random_is_an_error_or_an_estimator_and_leaves_no_memory(tmp_path):
    content, chance = written(tmp_path / "fit").read_bytes(), random.Random(0)
    members = members_of(content)
    state = json.loads(members["state.json"])
    kinds = ["list", "dict", "array", "same", "frozen", *state["names"]]
    pieces = [b'"', b"null", b"-1", b"{}", b"[]", *(json.dumps(kind).encode() for kind in kinds)]

    def altered():
        text = bytearray(members["state.json"])
        for _ in range(chance.randrange(1, 4)):
            old = chance.choice(pieces)
            at = text.find(old, chance.randrange(len(text)))
            if at >= 0:
                text[at : at + len(old)] = chance.choice(pieces)
        return sealed({**members, "state.json": bytes(text)})

    files = [altered() for _ in range(60)]
    found = [outcome(tmp_path / "file", file) for file in files]
    assert all(clf is None or type(clf) is GDLogisticRegression for clf in found)
    del found
    tracemalloc.start()
    held = []
    for _ in range(2):
        for file in files:
            outcome(tmp_path / "file", file)
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held[1] - held[0] < len(files) * len(content) / 10  # free lists of Python grow a little
