"""One table of names: the guide's, which are canonical, and photutils 3's, which are aliases.

The guide is that of photutils 1.x to `photutils.segmentation`. `accept_aliases` lets a function
take aliases of its keywords; classes look up aliases of their attributes by `canonical_attribute`.
A new alias takes one entry here.
"""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = [
    "ATTRIBUTES",
    "KEYWORDS",
    "accept_aliases",
    "both_names",
    "canonical_attribute",
    "only_new_names",
]

F = TypeVar("F", bound=Callable[..., Any])


class _SameAs:
    """The default of an alias in a signature: whatever the canonical keyword has."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


#: alias -> canonical keyword. Of ``n_threads`` alone the newer name is canonical: the guide's
#: ``nproc`` is a number of processes, and skyshed has threads only.
KEYWORDS = {
    "n_sigma": "nsigma",
    "n_pixels": "npixels",
    "n_levels": "nlevels",
    "nproc": "n_threads",
    "n_processes": "n_threads",
    "segmentation_image": "segment_img",
    "detection_catalog": "detection_cat",
    "local_bkg_width": "localbkg_width",
    "aperture_mask_method": "apermask_method",
    "bkg_rms_estimator": "bkgrms_estimator",
}

#: alias -> canonical attribute; aliases of columns are in the registry of columns.
ATTRIBUTES = {
    "n_labels": "nlabels",
    "data_masked": "data_ma",
    "deblended_label_to_parent": "deblended_labels_map",
    "parent_to_deblended_labels": "deblended_labels_inverse_map",
    "n_pixels_mesh": "npixels_mesh",
    "n_pixels_map": "npixels_map",
    "select_label": "get_label",
    "select_labels": "get_labels",
    "add_property": "add_extra_property",
    "remove_property": "remove_extra_property",
    "remove_properties": "remove_extra_properties",
    "rename_property": "rename_extra_property",
    "custom_properties": "extra_properties",
    "flux_radius": "fluxfrac_radius",
    "data_cutout": "data",
    "data_cutout_masked": "data_ma",
    "error_cutout": "error",
    "error_cutout_masked": "error_ma",
    "background_cutout": "background",
    "background_cutout_masked": "background_ma",
    "segment_cutout": "segment",
    "segment_cutout_masked": "segment_ma",
    "conv_data_cutout": "convdata",
    "conv_data_cutout_masked": "convdata_ma",
    **KEYWORDS,
}


def both_names(name: str) -> str:
    """Return a keyword's canonical name and its aliases, for messages: any may have been used.

    Examples
    --------
    >>> from skyshed.names import both_names
    >>> both_names("npixels"), both_names("contrast")
    ('npixels/n_pixels', 'contrast')
    """
    return "/".join([name, *(alias for alias, canonical in KEYWORDS.items() if canonical == name)])


def accept_aliases(function: F) -> F:
    """Let ``function`` take the aliases of its own keywords, and show them in its signature.

    They are listed as keywords whose default is the canonical one's name: pipelines pick what
    they pass on by ``inspect.signature(SourceFinder).parameters``.

    Raises
    ------
    TypeError
        When called with an argument under both of its names.

    Examples
    --------
    >>> from skyshed.names import accept_aliases
    >>> @accept_aliases
    ... def detect(data, npixels):
    ...     return npixels
    >>> detect(None, n_pixels=5)
    5
    >>> import inspect
    >>> inspect.signature(detect)
    <Signature (data, npixels, *, n_pixels=npixels)>
    """
    signature = inspect.signature(function)
    parameters = list(signature.parameters)
    aliases = {alias: name for alias, name in KEYWORDS.items() if name in parameters}
    position = {name: index for index, name in enumerate(parameters)}

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for alias in aliases.keys() & kwargs.keys():
            if isinstance(kwargs[alias], _SameAs):  # from a signature, by ``apply_defaults``
                del kwargs[alias]
                continue
            name = aliases[alias]
            if name in kwargs or position[name] < len(args):
                raise TypeError(
                    f"{function.__qualname__}() got {name!r} and its alias {alias!r}: give one"
                )
            kwargs[name] = kwargs.pop(alias)
        return function(*args, **kwargs)

    if aliases:
        wrapper.__signature__ = _with_aliases(signature, aliases)  # type: ignore[attr-defined]
    return wrapper  # type: ignore[return-value]


def _with_aliases(signature: inspect.Signature, aliases: dict[str, str]) -> inspect.Signature:
    """Return a signature that lists aliases as keywords, after all others."""
    listed = list(signature.parameters.values())
    rest = [each for each in listed if each.kind is each.VAR_KEYWORD]
    new = [
        inspect.Parameter(alias, inspect.Parameter.KEYWORD_ONLY, default=_SameAs(name))
        for alias, name in aliases.items()
    ]
    return signature.replace(parameters=[*listed[: len(listed) - len(rest)], *new, *rest])


def canonical_attribute(owner: Any, name: str) -> Any:
    """Return the attribute of ``owner`` that has the alias ``name``; for a class's ``__getattr__``.

    Raises
    ------
    AttributeError
        If ``name`` is not an alias, or neither ``owner`` nor its class has the attribute.
    """
    canonical = ATTRIBUTES.get(name)
    if canonical is None or not (hasattr(type(owner), canonical) or canonical in vars(owner)):
        raise AttributeError(f"{type(owner).__name__!r} object has no attribute {name!r}")
    return getattr(owner, canonical)


def only_new_names() -> bool:
    """Whether the program has asked photutils to use its new names only.

    It asks by ``photutils.future_column_names = True`` or, since photutils 3.1,
    ``with photutils.use_future_column_names():``. photutils is not imported to find out: a program
    that has not imported it has not asked.
    """
    since_3_1 = sys.modules.get("photutils._future_column_names")
    if since_3_1 is not None:
        return bool(since_3_1.get_future_column_names())
    return bool(getattr(sys.modules.get("photutils"), "future_column_names", False))
