"""Write the names that photutils 3.1.1's SourceCatalog shows to users.

Run with Python 3.12, where photutils 3.1.1 can be installed, from the repository's root::

    python tests/oracle/make_catalog_names.py

It writes ``tests/oracle/catalog_names.npz``: ``names``, every public attribute and method;
``properties``, those that are listed as such; ``old`` and ``new``, the names that photutils 3
renamed (the guide's) and what they became; ``methods`` and ``parameters``, one for each method: its
parameters and their defaults, as ``inspect.signature`` has them.
"""

import inspect
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_name("catalog_names.npz")


def main():
    """Collect the names and write the file."""
    import photutils
    from photutils.segmentation import SegmentationImage, SourceCatalog
    from photutils.segmentation.catalog import _DEPRECATED_ATTRIBUTES

    if photutils.__version__ != "3.1.1":
        raise SystemExit(f"the reference is photutils 3.1.1, this is {photutils.__version__}")
    catalog = SourceCatalog(np.ones((3, 3)), SegmentationImage(np.ones((3, 3), int)))
    names = sorted({*dir(SourceCatalog), *vars(catalog)})
    names = [name for name in names if not name.startswith("_")]
    methods = [name for name in names if inspect.isfunction(getattr(SourceCatalog, name, None))]
    parameters = [
        ", ".join(
            f"{p.name}={p.default!r}" if p.default is not p.empty else p.name
            for p in list(inspect.signature(getattr(SourceCatalog, name)).parameters.values())[1:]
        )
        for name in ("__init__", *methods)
    ]
    np.savez_compressed(
        PATH, names=names, properties=catalog.properties, old=list(_DEPRECATED_ATTRIBUTES),
        new=list(_DEPRECATED_ATTRIBUTES.values()), methods=["__init__", *methods],
        parameters=parameters,
    )  # fmt: skip


if __name__ == "__main__":
    main()
