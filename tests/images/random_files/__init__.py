"""Random FITS structures whose pixels, unit, sky, mask and noise are known from how they are made.

    python -m tests.images.random_files --count 5000 --seed 1

A structure is a draw of each of its parts: how pixels are stored (`pixels`), what the WCS says
(`sky`), how units are spelled (`units`), what goes with the image (`companions`), in which HDUs all
that is (`files`), and what is given to skyshed (`given`). Each part knows what is right, and which
kind of failure it is of (``../shared/findings/real-files.md`` of the project has the reports):

    A compressed bytes    B positions made up    C companions of another HDU    D no weight
    E BLANK               F frames without name  G background without noise     H axes
    I units               J names                K asinh pixels                 L what is given
    M what was asked for: flux densities, names of bits, planes of cubes, maps, WCS files, damage
"""
