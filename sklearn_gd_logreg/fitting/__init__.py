"""One call of `fit` or `partial_fit`: from checked data to fitted attributes."""
