"""The numbers that decide which path a fit of the natural gradient takes.

The constants of a single algorithm (pairs of the L-BFGS, error estimates of conjugate gradients,
rounds of coordinate descent) and the bounds on rounding are where they are used. These numbers were
chosen on the problems of ``benchmarks/problems.py``; ``benchmarks/ablation.py`` shows what each
strategy gains there and on problems that none of them was chosen on.
"""

# -- costs, in multiplications of a large matrix product ------------------------------------

WORK_PER_SCORE = 400.0
"""Work on one score in a pass, its exponential above all (`benchmarks/pass_speed.py`)."""

WORK_PER_PASS, WORK_PER_HESSIAN = 2e6, 3e6
"""Work of the calls that make a pass and F, however few the rows."""

MAX_FUSED_WORK = 4e6
"""Work on F up to which every pass works it out with J and dw: the calls cost more."""

# -- the Hessian -----------------------------------------------------------------------------

MAX_NEWTON_COST = 4.0
"""Cost of F on all rows, in passes, up to which every step is Newton's. Beyond it a softmax begins
with Kronecker factors, and products with F decide convergence."""

MIN_ROWS_PER_PARAMETER, MIN_ROWS_PER_PARAMETER_SOFTMAX, MAX_ROWS_PER_PARAMETER = 10, 4, 150
"""Rows of a subsampled F for each parameter."""

CONTRACTION = 0.05
"""Part to which a step with a new F reduces the decrement; the old F is kept where its steps
reduce the decrement as much for each pass."""

MAX_REFRESH_COST = 20.0
"""Cost of F, in passes, that is reckoned with at the most: a new F serves for several steps."""

MIN_CG_COST = 10.0
"""Cost of F, in passes, from which products with F decide convergence."""

MAX_STEPS_BEFORE_CG = 400
"""L-BFGS steps after which products with F take over, where F is too large to factorise."""

# -- subsamples ------------------------------------------------------------------------------

GROWTH = 4
"""Ratio of the size of a subsample to the one before, and at least of all rows to the last."""

MAX_BYTES_FOR_LARGE_SUBSAMPLE = 32e6
"""Size of X up to which the last subsample is a quarter of the rows, and not a sixteenth."""

MIN_SUBSAMPLE_ROWS = 1000
"""Rows from which a subsample is worth its overhead."""

CERTAIN = 0.25
"""Part of ln K that the mean loss is, below which the rows of F are taken by their part in it."""

SUBSAMPLE_ACCURACY = 0.5
"""Part of p/m, twice by which J on all rows is too high, at which a subsample has done its part."""

SUBSAMPLE_RIDGE_ROWS = 0.5
"""Rows that the l2 penalty of a subsample is worth where features are rare."""

# -- conjugate gradients ---------------------------------------------------------------------

FORCING_TERM = 0.1
"""Relative error of an inexact Newton step, in the norm of F."""

MAX_PRODUCTS = 200
"""Hessian-vector products in one step."""

# -- starts and mini-batches -----------------------------------------------------------------

MAX_START_COST = 4.0
"""Multiple of ln K beyond which a start is too far out for F, and the first step leads to w = 0."""

EPOCH_FLOOR = 0.02
"""With mini-batches, the part of F at w = 0 that is added to the F of an epoch. Where all
probabilities are near 0 or 1, F all but vanishes, and the steps of the epoch would be unbounded."""
