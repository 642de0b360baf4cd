"""
Quick start
===========

Placeholder.
"""

from sklearn_gd_logreg import GDLogisticRegression

print(GDLogisticRegression())
