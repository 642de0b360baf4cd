"""Shared by the solvers."""
