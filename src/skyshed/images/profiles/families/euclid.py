"""Euclid: exposures of VIS and NISP, and mosaics of MER."""

from skyshed.images.profiles.declared import (
    ERROR,
    MASK,
    Elsewhere,
    Plane,
    Profile,
    Unused,
    ZeroPoint,
)

__all__ = ["PROFILES"]

#: Euclid DPDD, "Vis Flag Map Product" (PF 15).
VIS = {
    "INVALID": 0, "HOT": 1, "COLD": 2, "SAT": 3, "COSMIC": 4, "GHOST": 5, "QUADEDGE": 6,
    "BAD_COLUMN": 7, "BAD_CLUSTER": 8, "CR_REGION": 9, "OVRCOL": 12, "CHARINJ": 15,
    "SATXTALKGHOST": 17, "STARSIGNAL": 18, "ADCMAX": 21, "NO_DATA": 22, "STITCHBLOCK": 23,
    "OBJECTS": 24,
}  # fmt: skip

PROFILES = (
    Profile(
        name="euclid-vis",
        about="Euclid/VIS, calibrated exposure, one of its quadrants",
        signs={"TELESCOP": "Euclid", "INSTRUME": "VIS"},
        image=r"(?P<detector>.+)\.SCI",
        hdus=(r".+\.RMS", r".+\.FLG"),
        planes=(
            Plane(hdu=r"{detector}\.RMS", role=ERROR),
            Plane(
                hdu=r"{detector}\.FLG",
                role=MASK,
                bits=VIS,
                bad=("INVALID", "COSMIC"),
            ),
        ),
        unit="adu",
        exposure="EXPTIME",
        unused=(
            Unused(
                "MAGZEROP", "whether it is of ADU or of ADU a second is not in the DPDD's table"
            ),
            Unused(
                "FLG: SAT, GHOST, STARSIGNAL, OBJECTS", "parts of stars, or of what is measured"
            ),
        ),
        sources=(
            "Euclid DPDD Q1, Vis Calibrated Quad Frame Product",
            "Euclid DPDD, Vis Flag Map Product",
        ),
        checked="the documents",
    ),
    Profile(
        name="euclid-nir",
        about="Euclid/NISP, calibrated exposure, one of its detectors",
        signs={"TELESCOP": "Euclid", "INSTRUME": "NISP"},
        image=r"(?P<detector>.+)\.SCI",
        hdus=(r".+\.RMS", r".+\.DQ"),
        planes=(
            Plane(hdu=r"{detector}\.RMS", role=ERROR),
            # Bit 0 is INVALID, the union of what must not be used, as in VIS.
            Plane(hdu=r"{detector}\.DQ", role=MASK, bits={"INVALID": 0}, bad=("INVALID",)),
        ),
        unit="electron",
        exposure="EXPTIME",
        unused=(
            Unused(
                "ZPAB, PHRELDT",
                "the zero point, and that of a detector relative to others: how "
                "they go together is not in the DPDD's page",
            ),
            Unused("DQ: other bits", "parts of INVALID, or of what is measured"),
        ),
        sources=(
            "Euclid DPDD Q1, NIR Calibrated Frame "
            "(euclid.esac.esa.int/dr/q1/dpdd/nirdpd/dpcards/nir_calibratedframe.html)",
            "Euclid Collaboration 2025, arXiv:2503.15304",
        ),
        checked="the documents, and code that reads DQ and ZPAB",
    ),
    Profile(
        name="euclid-mer",
        about="Euclid/MER, background-subtracted mosaic",
        signs={"TELESCOP": "Euclid", "MAGZERO": ".+"},
        zero_points=(ZeroPoint(system="AB", rule="card", cards=("MAGZERO",)),),
        elsewhere=(
            Elsewhere("error", "the mosaic's RMS file"),
            Elsewhere("mask", "its flag file"),
        ),
        sources=(
            "Euclid DPDD Q1, Background-Subtracted Mosaic Product "
            "(euclid.esac.esa.int/dr/q1/dpdd/merdpd/dpcards/mer_bksmosaic.html)",
            "IRSA, Euclid Q1: MER mosaics, names of files",
        ),
        checked="the names of files, and code that takes MAGZERO as an AB zero point",
    ),
)
