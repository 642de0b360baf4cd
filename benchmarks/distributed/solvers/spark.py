"""Spark MLlib's LogisticRegression, in local mode with as many threads as workers."""

import importlib.util
import shutil

import numpy as np
import pandas as pd
from benchopt import BaseSolver


class Solver(BaseSolver):
    """L-BFGS on a cached data frame, without a penalty."""

    name = "spark"
    sampling_strategy = "iteration"
    requirements = ["pip::pyspark", "pip::pyarrow"]

    def skip(self, **objective):
        if not shutil.which("java"):
            return True, "there is no Java"
        if importlib.util.find_spec("pyspark") is None:
            return True, "there is no pyspark"
        return False, None

    def set_objective(self, X, y, n_workers):
        from pyspark.ml.feature import VectorAssembler
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master(f"local[{n_workers}]")
        builder = builder.config("spark.ui.enabled", "false")
        builder = builder.config("spark.driver.memory", "4g")
        builder = builder.config("spark.sql.execution.arrow.pyspark.enabled", "true")
        spark = builder.getOrCreate()
        names = [f"x{number}" for number in range(X.shape[1])]
        frame = spark.createDataFrame(pd.DataFrame(X, columns=names).assign(label=y.astype(float)))
        assembler = VectorAssembler(inputCols=names, outputCol="features")
        rows = assembler.transform(frame).select("features", "label")
        self.rows = rows.repartition(2 * n_workers).cache()
        self.rows.count()
        self.n_features = X.shape[1]

    def warm_up(self):
        for _ in range(3):  # the Java machine compiles as it runs
            self.run(10)

    def run(self, n_iter):
        from pyspark.ml.classification import LogisticRegression

        self.model = None
        if n_iter:
            self.model = LogisticRegression(maxIter=n_iter, tol=1e-14).fit(self.rows)

    def get_result(self):
        if self.model is None:
            return {"coef": np.zeros(self.n_features), "intercept": 0.0}
        return {"coef": self.model.coefficients.toArray(), "intercept": self.model.intercept}
