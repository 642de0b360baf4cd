"""Spark MLlib's LogisticRegression, in local mode with as many threads as workers."""

import importlib.util
import shutil

import numpy as np
import pandas as pd
from benchmark_utils.rows import MovedRowsSolver


class Solver(MovedRowsSolver):
    """L-BFGS on a cached data frame, without a penalty."""

    name = "spark"
    requirements = ["pip::pyspark", "pip::pyarrow"]

    def skip(self, place, **others):
        if not shutil.which("java"):
            return True, "there is no Java"
        if importlib.util.find_spec("pyspark") is None:
            return True, "there is no pyspark"
        return super().skip(place)

    def moved(self, X, y):
        from pyspark.ml.feature import VectorAssembler
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master(f"local[{self.n_workers}]")
        builder = builder.config("spark.ui.enabled", "false")
        builder = builder.config("spark.driver.memory", "8g")
        builder = builder.config("spark.sql.execution.arrow.pyspark.enabled", "true")
        spark = builder.getOrCreate()
        spark.catalog.clearCache()  # of the data set before
        names = [f"x{number}" for number in range(X.shape[1])]
        frame = spark.createDataFrame(pd.DataFrame(X, columns=names).assign(label=y.astype(float)))
        assembler = VectorAssembler(inputCols=names, outputCol="features")
        rows = assembler.transform(frame).select("features", "label")
        rows = rows.repartition(2 * self.n_workers).cache()
        rows.count()
        self.n_features = X.shape[1]
        return rows, None

    def warm_up(self):
        for _ in range(3):  # the Java machine compiles as it runs
            self.run(10)

    def fit(self, max_iter):
        from pyspark.ml.classification import LogisticRegression

        return LogisticRegression(maxIter=max_iter, tol=1e-14).fit(self.X)

    def get_result(self):
        if self.model is None:
            return {"coef": np.zeros(self.n_features), "intercept": 0.0}
        return {"coef": self.model.coefficients.toArray(), "intercept": self.model.intercept}
