"""Random problems, fitted and judged by better points: ``python -m tests.fuzz --help``."""
