"""JWST: images of calwebb_image2 and calwebb_image3."""

from skyshed.images.profiles.declared import ERROR, NO_DATA, Plane, Profile, Unused, ZeroPoint

__all__ = ["PROFILES"]

PROFILES = (
    Profile(
        name="jwst-i2d",
        about="JWST resampled image",
        signs={"TELESCOP": "JWST"},
        image="SCI",
        hdus=("ERR", "WHT", "CON"),
        planes=(Plane(hdu="ERR", role=ERROR), Plane(hdu="WHT", role=NO_DATA)),
    ),
)
