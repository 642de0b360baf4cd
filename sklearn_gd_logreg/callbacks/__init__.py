"""Callbacks: scikit-learn's protocol, and some of our own in it."""
