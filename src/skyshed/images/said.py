"""What a run says of the product that its image is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from skyshed.images.photometry.calibration import Calibration

__all__ = ["NOT_USED", "PLAIN", "Said"]

#: What ``--as`` calls a file that is read without any profile.
PLAIN = "plain"

#: What the run record calls that which a file has and a run does not use.
NOT_USED = "profile_not_used"
#: Numbers of a product: the parameters that each is, and what the run record calls it.
NUMBERS = {
    "zero_point": (("zero_point", "zero_point_system"), "profile_zero_point"),
    "effective_gain": (("effective_gain",), "profile_gain"),
}


@dataclass(frozen=True)
class Said:
    """What a run says of the product that its image is.

    Attributes
    ----------
    record : mapping of str to str
        For the run record: the profile, the planes and what they are, what is not used.
    parameters : mapping of str to object
        Parameters of the chain that the header says.
    doubt : str
        Why the zero point is not known, where the header says several.
    """

    record: Mapping[str, str]
    parameters: Mapping[str, Any]
    doubt: str = ""

    @property
    def calibration(self) -> Calibration | None:
        """What the AB zero point of the product says; `None` if it has none."""
        if self.parameters.get("zero_point_system") != "AB":
            return None
        return Calibration.of_zero_point(
            self.parameters["zero_point"], self.record["profile_zero_point"]
        )

    def without(self, name: str, why: str) -> "Said":
        """Return the same where a number, ``zero_point`` or ``effective_gain``, is not used."""
        names, card = NUMBERS[name]
        record = dict(self.record)
        passed = [record.pop(NOT_USED, ""), f"{record.pop(card)} ({why})"]
        record[NOT_USED] = "; ".join(filter(None, passed))
        left = {each: value for each, value in self.parameters.items() if each not in names}
        return replace(self, record=record, parameters=left)
