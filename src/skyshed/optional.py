"""Packages that need not be installed: how they are imported, and their versions."""

import importlib
import re
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from types import ModuleType

from skyshed.messages import one_line

__all__ = ["need", "package_versions"]


def need(package: str, purpose: str, extra: str | None = None) -> ModuleType:
    """Import a package that only some functions need.

    Parameters
    ----------
    package : str
        The package, or one of its modules.
    purpose : str
        What needs it; the subject of the error message.
    extra : str, optional
        The extra of skyshed that installs it; `None` if it is installed by its own name.

    Returns
    -------
    module : module

    Raises
    ------
    ImportError
        If it is not installed, or can't be imported. The message says what to install.

    Examples
    --------
    >>> from skyshed.optional import need
    >>> need("json", "a drawing", "plot").__name__
    'json'
    >>> need("absent", "a drawing", "plot")
    Traceback (most recent call last):
    ...
    ImportError: a drawing needs absent, which is not installed: pip install 'skyshed[plot]'
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        name = package.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and error.name in (name, package)
        state = "is not installed" if missing else f"can't be imported ({one_line(error)})"
        source = name if extra is None else f"'skyshed[{extra}]'"
        raise ImportError(f"{purpose} needs {name}, which {state}: pip install {source}") from error


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages; those that are not installed are left out.

    Examples
    --------
    >>> from skyshed.optional import package_versions
    >>> list(package_versions(("numpy", "no-such-package")))
    ['numpy']
    """
    versions = {}
    for package in packages:
        # What is loaded knows its version.
        loaded = getattr(sys.modules.get(package.replace("-", "_")), "__version__", None)
        found = loaded or _installed(package)
        if found is not None:
            versions[package] = found
    return versions


@cache  # to look for what was installed takes a millisecond
def _installed(package: str) -> str | None:
    """Return the version of a package that is installed, loaded or not; `None` if it is not."""
    try:
        found = distribution(package)
    except PackageNotFoundError:
        return None
    # `found.version` parses all that there is, licences included, for four milliseconds.
    line = re.search(r"^Version: *(\S+)", found.read_text("METADATA") or "", re.MULTILINE)
    return line[1] if line else found.version
