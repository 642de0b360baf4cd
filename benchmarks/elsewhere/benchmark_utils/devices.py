"""Solvers of tensors of PyTorch, by the array API standard."""

import importlib.util

import sklearn

from benchmark_utils.rows import MovedRowsSolver


class DeviceSolver(MovedRowsSolver):
    """A solver that leaves the rows on their device."""

    places = ("cpu", "cuda")
    requirements = ["pip::torch", "pip::array-api-compat"]

    def skip(self, place, **others):
        if importlib.util.find_spec("torch") is None:
            return True, "there is no PyTorch"
        import torch

        if place == "cuda" and not torch.cuda.is_available():
            return True, "there is no GPU"
        return super().skip(place)

    def moved(self, X, y):
        import torch

        return torch.asarray(X, device=self.place), torch.asarray(y, device=self.place)

    def run(self, n_iter):
        with sklearn.config_context(array_api_dispatch=True):
            super().run(n_iter)
        if self.place == "cuda":
            import torch

            torch.cuda.synchronize()
