"""photutils' tests that expect its own deprecation warning run without that demand.

photutils 3 warns of names and forms that are skyshed's own: positional arguments, ``npixels``,
``xcentroid``, ``nproc``. Where a test expects that warning of a block, the block runs, and the
warning need not come. Nothing else is waived: every other warning of the block is passed on, and
exceptions, values and later assertions count, even those about the warnings recorded.
"""

import ast
import re
import warnings
from collections.abc import Callable
from typing import Any

__all__ = ["WARNING", "Waived", "expects", "waive"]

#: The name of the warning, in `photutils.utils.exceptions` and in tests.
WARNING = "PhotutilsDeprecationWarning"


class Waived(warnings.catch_warnings):
    """Stands in for ``pytest.warns(expected, match=...)``: nothing need be raised.

    Parameters
    ----------
    expected : tuple of type
        The warnings that the test takes, the waived one among them.
    match : str or None
        A pattern of the warning's text. One that does not match is passed on.
    """

    def __init__(self, expected: tuple[type[Warning], ...], match: str | None) -> None:
        super().__init__(record=True)
        self.expected = expected
        self.match = match or ""
        self.recorded: list[warnings.WarningMessage] = []

    def __enter__(self) -> list[warnings.WarningMessage]:  # type: ignore[override]
        self.recorded = super().__enter__()  # type: ignore[assignment]
        warnings.simplefilter("always")
        return self.recorded

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        if exception[0] is not None:
            return
        for each in self.recorded:
            taken = issubclass(each.category, self.expected)
            if not (taken and re.search(self.match, str(each.message))):
                warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def waive(warns: Callable[..., Any], warning: type[Warning]) -> Callable[..., Any]:
    """Return ``pytest.warns`` with the one warning waived."""

    def waiving(
        expected: Any = Warning, *args: Any, match: str | None = None, **kwargs: Any
    ) -> Any:
        accepted = expected if isinstance(expected, tuple) else (expected,)
        if warning in accepted and not args:
            return Waived(accepted, match)
        return warns(expected, *args, match=match, **kwargs)

    return waiving


def expects(test: ast.AST) -> bool:
    """Whether a test expects the warning: ``pytest.warns(PhotutilsDeprecationWarning, ...)``."""
    return any(
        isinstance(call, ast.Call)
        and ast.unparse(call.func) == "pytest.warns"
        and any(WARNING in ast.unparse(argument) for argument in call.args)
        for call in ast.walk(test)
    )
