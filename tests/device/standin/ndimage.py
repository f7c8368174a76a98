"""The stand-in for `cupyx.scipy.ndimage`."""

from typing import Any

import numpy as np
from scipy import ndimage

from tests.device.standin import counts, pool, signatures
from tests.device.standin.arrays import ndarray, new
from tests.device.standin.calls import Cost, Function, arrays_of, charge, unwrap, wrap
from tests.device.standin.costs import words


def _sweeps(operands, args, kwargs) -> float:
    return max(1, kwargs.get("iterations", 1))


#: One kernel reads each pixel once (its neighbours come from the cache) and writes it once.
FILTER = Cost()
#: A filter per axis.
SEPARABLE = Cost(launches=2, reads=2, writes=2, scratch=1)
#: The coefficients take a pass per axis, there and back; then one interpolation.
SPLINE = Cost(launches=5, reads=3, writes=3, scratch=2)
#: What SciPy does in CuPy's place with the very same arguments.
COSTS = {
    **dict.fromkeys(
        words(
            "convolve convolve1d correlate correlate1d median_filter percentile_filter rank_filter"
        ),
        FILTER,
    ),
    **dict.fromkeys(
        words(
            "maximum_filter minimum_filter uniform_filter gaussian_filter grey_dilation "
            "grey_erosion"
        ),
        SEPARABLE,
    ),
    **dict.fromkeys(
        words("gaussian_filter1d uniform_filter1d maximum_filter1d minimum_filter1d"), FILTER
    ),
    **dict.fromkeys(words("zoom map_coordinates shift"), SPLINE),
    "spline_filter": Cost(launches=3, reads=3, writes=3, scratch=1),
    "spline_filter1d": Cost(launches=2, reads=2, writes=2, scratch=1),
    **dict.fromkeys(words("binary_dilation binary_erosion"), Cost(passes=_sweeps)),
    **dict.fromkeys(
        words("binary_opening binary_closing"), Cost(launches=2, reads=2, passes=_sweeps)
    ),
}
#: Which arguments must be arrays of the device beside the first.
WEIGHTS = frozenset({"weights", "coordinates"})
#: Starts, unites, counts and renumbers; the number of labels goes to the host.
LABEL = Cost(launches=7, reads=1, gathers=4, writes=3, syncs=1)

#: Passes over the places of the nearest pixels, along both axes, then the distances.
DISTANCES = Cost(launches=8, reads=8, writes=6, scratch=4)


class Filter(Function):
    """A function of `cupyx.scipy.ndimage`; SciPy gets its arguments by name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"cupyx.scipy.ndimage.{name}", getattr(ndimage, name), COSTS[name])

    def run(self, args: tuple, kwargs: dict) -> Any:
        given = signatures.arguments(self.full_name, args, kwargs)
        for name in ["input", *(WEIGHTS & set(given))]:
            self._require_device(given[name])
        operands: list[ndarray] = []
        named = {key: unwrap(value, operands, self.full_name) for key, value in given.items()}
        answer = self.function(**named)
        if type(given.get("output")) is ndarray:  # SciPy returns the output given, or nothing
            answer = given["output"]._a
            inputs = [operand for operand in operands if operand is not given["output"]]
            result = wrap(answer, operands)
            charge(self.full_name, self.cost, inputs, [result], args, given)
            return result
        result = wrap(answer, operands)
        charge(self.full_name, self.cost, operands, arrays_of(result), args, given)
        return result


def label(*args: Any, **kwargs: Any) -> Any:
    """Label connected pixels, numbered in raster order."""
    name = "cupyx.scipy.ndimage.label"
    given = signatures.arguments(name, args, kwargs)
    image, structure, output = given["input"], given.get("structure"), given.get("output")
    if type(image) is not ndarray:
        raise TypeError("input must be cupy.ndarray")
    if type(structure) is ndarray:
        structure = structure.get()  # CuPy copies it to the host, too
    labels, count = ndimage.label(image._a, structure)
    if type(output) is ndarray:
        output._a[...] = labels
        result: Any = count
        charge(name, LABEL, [image], [output])
    else:
        made = new(labels.astype(np.int32 if output is None else output))
        charge(name, LABEL, [image], [made])
        result = (made, count)
    counts.memory.pulse(pool.rounded(4 * max(count, 1)))
    return result


def distance_transform_edt(*args: Any, **kwargs: Any) -> Any:
    """Return the distance of each pixel from the nearest one that is 0."""
    name = "cupyx.scipy.ndimage.distance_transform_edt"
    given = signatures.arguments(name, args, kwargs)
    if set(given) != {"image"}:
        raise NotImplementedError("the stand-in's distances take an image alone")
    if type(given["image"]) is not ndarray:
        raise TypeError("image must be cupy.ndarray")
    made = new(ndimage.distance_transform_edt(given["image"]._a))
    charge(name, DISTANCES, [given["image"]], [made])
    return made


def generate_binary_structure(*args: Any, **kwargs: Any) -> ndarray:
    """Return the structure of neighbours."""
    signatures.check("cupyx.scipy.ndimage.generate_binary_structure", args, kwargs)
    result = new(ndimage.generate_binary_structure(*args, **kwargs))
    counts.uploaded("generate_binary_structure", result.nbytes)
    return result


FUNCTIONS: dict[str, Any] = {
    **{name: Filter(name) for name in COSTS},
    "label": label,
    "distance_transform_edt": distance_transform_edt,
    "generate_binary_structure": generate_binary_structure,
}
