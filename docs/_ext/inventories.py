"""Inventories for sphinx.ext.intersphinx, so that the pages are built without a network.

scikit-learn and NumPy have a page for each public object, under an address that follows from its
name. So the names that our pages use are enough.
"""

import zlib
from importlib import import_module
from inspect import isclass
from pathlib import Path

SITES = {
    "sklearn": ("https://scikit-learn.org/stable/", "modules/generated/{}.html"),
    "numpy": ("https://numpy.org/doc/stable/", "reference/generated/{}.html"),
}
NAMES = [
    "numpy.asarray",
    "numpy.load",
    "numpy.ndarray",
    "sklearn.base.BaseEstimator",
    "sklearn.base.ClassifierMixin",
    "sklearn.base.clone",
    "sklearn.calibration.CalibrationDisplay",
    "sklearn.callback.ProgressBar",
    "sklearn.callback.ScoringMonitor",
    "sklearn.cluster.KMeans",
    "sklearn.compose.ColumnTransformer",
    "sklearn.datasets.load_breast_cancer",
    "sklearn.datasets.load_digits",
    "sklearn.datasets.load_iris",
    "sklearn.ensemble.BaggingClassifier",
    "sklearn.ensemble.HistGradientBoostingClassifier",
    "sklearn.exceptions.ConvergenceWarning",
    "sklearn.exceptions.NotFittedError",
    "sklearn.feature_extraction.text.TfidfVectorizer",
    "sklearn.feature_selection.SelectFromModel",
    "sklearn.linear_model.LogisticRegression",
    "sklearn.linear_model.LogisticRegressionCV",
    "sklearn.linear_model.SGDClassifier",
    "sklearn.metrics.check_scoring",
    "sklearn.metrics.log_loss",
    "sklearn.model_selection.GridSearchCV",
    "sklearn.model_selection.train_test_split",
    "sklearn.pipeline.Pipeline",
    "sklearn.pipeline.make_pipeline",
    "sklearn.preprocessing.MaxAbsScaler",
    "sklearn.preprocessing.OneHotEncoder",
    "sklearn.preprocessing.StandardScaler",
    "sklearn.set_config",
]
SHORT_NAMES = {name.rpartition(".")[2]: name for name in NAMES}


def write(folder: Path) -> dict[str, tuple[str, str]]:
    """Write the inventories into a folder, and return the value of ``intersphinx_mapping``."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for project, (address, page) in SITES.items():
        lines = []
        for name in NAMES:
            if name.split(".")[0] == project:
                module, _, attribute = name.rpartition(".")
                role = "class" if isclass(getattr(import_module(module), attribute)) else "function"
                lines.append(f"{name} py:{role} 1 {page.format(name)}#$ -\n")
        header = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
        header += "# The remainder of this file is compressed using zlib.\n"
        path = folder / f"{project}.inv"
        path.write_bytes(header.encode() + zlib.compress("".join(lines).encode()))
        mapping[project] = address, str(path)
    return mapping
