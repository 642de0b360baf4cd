"""Constants that decide which methods a fit with the natural gradient uses.

Constants of one algorithm (curvature pairs, error estimates of conjugate gradients, cycles of
coordinate descent) and bounds on rounding are in the modules that use them. These were chosen on
the problems of ``benchmarks/problems.py``; ``benchmarks/ablation.py`` measures the gain of each
strategy on them, and on problems that no constant was chosen on.
"""

# -- costs, in multiplications of a large matrix product ------------------------------------

WORK_PER_SCORE = 400.0
"""Work per score in a pass, mostly its exponential (`benchmarks/pass_speed.py`)."""

WORK_PER_PASS, WORK_PER_HESSIAN = 2e6, 3e6
"""Overhead of a pass and of F, for any number of rows."""

MAX_FUSED_WORK = 4e6
"""Work on F up to which every pass computes it with J and dw, since the overhead costs more."""

# -- the Hessian -----------------------------------------------------------------------------

MAX_NEWTON_COST = 4.0
"""Cost of F on all rows, in passes, up to which every step is a Newton step. Beyond it, a softmax
begins with Kronecker factors, and Hessian-vector products decide convergence."""

MIN_ROWS_PER_PARAMETER, MIN_ROWS_PER_PARAMETER_SOFTMAX, MAX_ROWS_PER_PARAMETER = 10, 4, 150
"""Rows per parameter in a subsampled F."""

CONTRACTION = 0.05
"""Factor by which a step with a refreshed F reduces the squared Newton decrement. The old F is kept
where its steps reduce it as much per pass."""

MAX_REFRESH_COST = 20.0
"""Upper bound on the cost of F, in passes, in the decision to refresh it: a refreshed F serves for
several steps."""

MIN_CG_COST = 10.0
"""Cost of F, in passes, from which Hessian-vector products decide convergence."""

MAX_STEPS_BEFORE_CG = 400
"""L-BFGS steps before Hessian-free steps, where F is too large to factorise."""

# -- subsamples ------------------------------------------------------------------------------

SUBSAMPLE_GROWTH = 4
"""Ratio of the sizes of successive subsamples, and least ratio of all rows to the last one."""

MAX_BYTES_FOR_LARGE_SUBSAMPLE = 32e6
"""Size of X up to which the last subsample is a quarter of the rows; beyond, a sixteenth."""

MIN_SUBSAMPLE_ROWS = 1000
"""Rows from which a subsample is worth its overhead."""

MAX_LOSS_FOR_TRACE_SAMPLING = 0.25
"""Mean loss, relative to ln K, below which rows are sampled by their part in the trace of F."""

SUBSAMPLE_ACCURACY = 0.5
"""Squared Newton decrement at which a descent on m rows ends, relative to p/m for p parameters.
The minimum on these rows has an excess of J on all rows of about half p/m."""

SUBSAMPLE_RIDGE_ROWS = 0.5
"""The l2 penalty of a subsample with rare features, in rows that have the feature."""

# -- conjugate gradients ---------------------------------------------------------------------

FORCING_TERM = 0.1
"""Relative error of an inexact Newton step, in the norm of F."""

MAX_PRODUCTS = 200
"""Hessian-vector products in a step."""

# -- starts and mini-batches -----------------------------------------------------------------

MAX_START_COST = 4.0
"""Multiple of ln K that J may be at the start; above it F nearly vanishes, and the first step leads
to w = 0."""

UNIFORM_FISHER_WEIGHT = 0.02
"""With mini-batches, multiple of F at w = 0 that is added to the F of an epoch. Where all
probabilities are near 0 or 1, F nearly vanishes, and the steps of the epoch would be unbounded."""
