"""ESO's archive of survey products, and what CASU makes of VIRCAM and WFCAM."""

from skyshed.images.profiles.declared import Elsewhere, Profile, Unused, ZeroPoint

__all__ = ["PROFILES"]

CONFIDENCE = Elsewhere(
    "weight", "the confidence map (.conf, _conf.fit), relative weights: with --scale-weight"
)

PROFILES = (
    Profile(
        name="eso-survey",
        about="Survey image of ESO's archive: KiDS, VST ATLAS, VIKING, VHS, UltraVISTA, ...",
        signs={"ORIGIN": "ESO.*", "PRODCATG": r"SCIENCE\.(MEF)?IMAGE"},
        zero_points=(
            ZeroPoint(system="AB", rule="card", cards=("PHOTZP",), when={"PHOTSYS": "AB"}),
            ZeroPoint(system="Vega", rule="card", cards=("PHOTZP",), when={"PHOTSYS": "Vega"}),
        ),
        exposure="EXPTIME",
        elsewhere=(
            Elsewhere("weight", "the file of PRODCATG = ANCILLARY.WEIGHTMAP: with --scale-weight"),
            Elsewhere("mask", "the file of PRODCATG = ANCILLARY.MASK, where there is one"),
        ),
        unused=(Unused("GAIN", "an effective one, which not all surveys give"),),
        sources=(
            "ESO Science Data Products Standard (GEN-SPE-ESO-33000-5335)",
            "KiDS DR4, File types and formats (kids.strw.leidenuniv.nl)",
        ),
        checked="the documents of KiDS",
    ),
    Profile(
        name="vircam",
        about="VISTA/VIRCAM, pawprint or tile of CASU",
        signs={"INSTRUME": "VIRCAM", "MAGZPT": ".+"},
        absent=("PRODCATG",),
        zero_points=(
            ZeroPoint(
                system="Vega", rule="CASU",
                cards=(
                    "MAGZPT", "EXPTIME", "EXTINCT", "ESO TEL AIRM START", "ESO TEL AIRM END",
                ),
            ),
        ),
        exposure="EXPTIME",
        elsewhere=(CONFIDENCE,),
        unused=(Unused("APCOR*", "aperture corrections of the catalogues of CASU"),),
        sources=(
            "VISTA Science Archive, Working with VIRCAM flat files (vsa.roe.ac.uk/flatFiles.html)",
            "Gonzalez-Fernandez et al. 2018, MNRAS 474, 5459",
        ),
        checked="the documents",
    ),
    Profile(
        name="wfcam",
        about="UKIRT/WFCAM, image of CASU: UKIDSS, UHS",
        signs={"INSTRUME": "WFCAM", "MAGZPT": ".+"},
        zero_points=(
            ZeroPoint(
                system="Vega", rule="CASU",
                cards=("MAGZPT", "EXP_TIME", "EXTINCT", "AMSTART", "AMEND"),
            ),
        ),
        exposure="EXP_TIME",
        elsewhere=(CONFIDENCE,),
        unused=(
            Unused("APCOR*", "aperture corrections of the catalogues of CASU"),
            Unused("GAIN", "of one read, before interleaving and stacking"),
        ),
        sources=(
            "WFCAM Science Archive, Working with flat files (wsa.roe.ac.uk/flatFiles.html)",
            "Hodgkin et al. 2009, MNRAS 394, 675",
        ),
        checked="the documents, but for the names of cards",
    ),
)  # fmt: skip
