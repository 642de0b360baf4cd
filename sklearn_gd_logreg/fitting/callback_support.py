"""scikit-learn's callback protocol where there is one, and what to say where there is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import sklearn

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks

    AVAILABLE = True
except ImportError:  # scikit-learn before 1.9
    AVAILABLE = False

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for the mixin of scikit-learn 1.9."""

        def set_callbacks(self, *callbacks: Any) -> NoReturn:
            """Say what is missing.

            Raises
            ------
            ImportError
                Always.
            """
            raise ImportError(
                "set_callbacks needs sklearn.callback, which comes with scikit-learn 1.9; "
                f"scikit-learn {sklearn.__version__} is installed. All else works without it."
            )

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Stands in for the decorator of scikit-learn 1.9."""

        @wraps(method)
        def unchanged(*args: Any, **kwargs: Any) -> Any:
            return method(*args, **kwargs)

        return unchanged


__all__ = ["AVAILABLE", "CallbackSupportMixin", "with_callbacks"]
