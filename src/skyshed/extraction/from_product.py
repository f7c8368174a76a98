"""Parameters that the file of a product says, where the user does not say them."""

from dataclasses import replace

from skyshed.images.doubted import warn_of_image
from skyshed.images.exposure import Exposure
from skyshed.images.pixels import RefusedError
from skyshed.images.said import Said
from skyshed.parameters import Parameters

__all__ = ["with_those_of_the_file"]


def with_those_of_the_file(
    parameters: Parameters, exposure: Exposure
) -> tuple[Parameters, Exposure]:
    """Return the parameters with those that the file says, and the exposure with what is used.

    Raises
    ------
    ValueError
        If ``zero_point_system`` is another than that of the zero point of the file, and this is
        used.

    Warns
    -----
    ImageWarning
        If the user says others than the file, as where those of another file are used again.
    """
    if exposure.said is None:
        return parameters, exposure
    said = _said_of_zero_point(parameters, exposure.said)
    added = {}
    for name, value in said.parameters.items():
        given = getattr(parameters, name)
        if given is None:
            added[name] = value
        elif given != value:
            warn_of_image(f"{name} is given as {given}, which is used, and the file says {value}")
    given = parameters.effective_gain
    if given is not None and said.parameters.get("effective_gain", given) != given:
        said = said.without("effective_gain", "effective_gain is given")
    if parameters.effective_gain and "profile_error" in said.record:
        warn_of_image(
            "effective_gain is given, and has no effect: the errors are those of "
            f"{said.record['profile_error']}; give error, or profile='plain' (--as plain)"
        )
    return parameters.replace(**added), replace(exposure, said=said)


def _said_of_zero_point(parameters: Parameters, said: Said) -> Said:
    """Return what is said of a product, with its zero point only where it is used."""
    value, system = (said.parameters.get(name) for name in ("zero_point", "zero_point_system"))
    if value is None:
        return said
    zero_point, given = parameters.zero_point, parameters.zero_point_system
    if zero_point is None and not parameters.calibrate:
        return said.without("zero_point", "calibrate is off")
    if zero_point in (None, value):
        if given in (None, system):
            return said
        raise RefusedError(
            f"zero_point_system is given as {given!r}, and the zero point of the file is "
            f"{said.record['profile_zero_point']}: leave zero_point_system out, or give a "
            f"zero_point of that system, or profile='plain' (--as plain) besides"
        )
    warn_of_image(f"zero_point is given as {zero_point}, which is used, and the file says {value}")
    return said.without("zero_point", "zero_point is given")
