"""Write products.md from the registry of profiles: python docs/make_products.py."""

from pathlib import Path

from skyshed.images.profiles.declared import MASK, NO_DATA, Plane, Profile, ZeroPoint
from skyshed.images.profiles.registry import profiles

PAGE = Path(__file__).with_name("products.md")

HEAD = """# Products of observatories

Made from the registry by `docs/make_products.py`. `skyshed extract FILE` recognises these
products by cards of their headers and names of their HDUs, never by the name of the file. It
takes the planes of the same file that say errors, weights and bad pixels, as the observatory
documents them. What it took, and by which card, is in its summary and in the run record; `skyshed
info FILE` says it without a run.

- What you give yourself goes before it: `--mask`, `--error`, `--weight`, `--rms`, `--variance`,
  `--mask-bits`, `--zero-point`, `--effective-gain`. A number that differs from that of the file is
  said. Pixels without data stay masked.
- `--as NAME` (`extract(profile=)`) names the product where headers do not say it; `--as plain`
  reads the file as any other. A file that is no product is read as ever.
- A zero point is the magnitude of a flux of one unit of the pixels; AB or Vega is what the
  observatory says. Where a header leaves it out, there are no magnitudes.
- Planes in other files are not looked for: the summary says which there are, and with which
  option to give them.
- Each says what it was checked against when it was written. Where that is nothing, compare what
  the summary says with the document before you trust it.
- Of files that are given as one image, each must be of the same product: the planes of each are
  taken, and zero points and gains that are the same in all. An HDU in Python knows of no other
  HDU: it is a product whose planes are in other files, or none.
- Where an image has the cards of a product and lacks the HDUs, or parts are of different products,
  it is read as any other, and the run record says why (`profile`).
- A detection image is read as a plain file.
- Where two profiles match a file alike, a warning says so and none is used.

[Extending skyshed](extending.md) shows how to add one.

| profile | product |
| --- | --- |
"""


def page() -> str:
    """Return the text of products.md."""
    every = sorted(profiles().values(), key=lambda each: each.name)
    rows = "".join(f"| [`{each.name}`](#{each.name}) | {each.about} |\n" for each in every)
    return HEAD + rows + "".join(map(_section, every))


def _section(profile: Profile) -> str:
    lines = [f"\n## {profile.name}\n", f"{profile.about}.\n"]
    lines.append(f"- Recognised by {_signs(profile)}.")
    lines += [f"- {_plane(each)}." for each in profile.planes]
    if profile.unit:
        lines.append(f"- Unit, where the header has none: {profile.unit}.")
    lines += [f"- Zero point: {_zero_point(each)}." for each in profile.zero_points]
    lines += [f"- Gain: {_listed(each.cards) or 'pixels are electrons, or photons'}, of pixels in "
              f"{', '.join(each.units)}." for each in profile.gains]  # fmt: skip
    lines += [f"- In another file: {each.what} (`--{each.option}`)." for each in profile.elsewhere]
    lines += [f"- Not used: {each.what} ({each.why})." for each in profile.unused]
    lines.append(f"- By {'; '.join(profile.sources)}.")
    lines.append(f"- Checked against {profile.checked or 'none of them: written from memory'}.")
    return "\n".join(lines) + "\n"


def _signs(profile: Profile) -> str:
    cards = [
        f"`{card}`" if pattern == ".+" else f"`{card} = {pattern}`"
        for card, pattern in profile.signs.items()
    ]
    cards += [f"no `{card}`" for card in profile.absent]
    if profile.image:
        cards.append(f"the image's name, `{profile.image}`")
    cards += [f"an HDU `{hdu}`" for hdu in profile.hdus]
    return ", ".join(cards)


def _plane(plane: Plane) -> str:
    what = f"`{plane.hdu}`: {plane.role}"
    if plane.role == NO_DATA:
        what += ": pixels where it is not above 0 are masked"
    if plane.role == MASK:
        named = [f"{plane.bits[name]} {name}" if plane.bits else name for name in plane.bad]
        what += f", bits {', '.join(named)}" if named else ", pixels that are not 0"
        what += f", numbered by `{plane.names}*` of its header" if plane.names else ""
    return what + (", if it is there" if plane.optional else "")


def _zero_point(rule: ZeroPoint) -> str:
    said = _listed(rule.cards) or "by definition"
    text = f"{rule.system}, {said} ({rule.rule})"
    if rule.offset:
        text += f", and {rule.offset:g}"
    if rule.units:
        text += f", of pixels in {', '.join(rule.units)}"
    return text + "".join(f", where `{card} = {value}`" for card, value in rule.when.items())


def _listed(cards: tuple[str, ...]) -> str:
    return ", ".join(f"`{card}`" for card in cards)


if __name__ == "__main__":
    PAGE.write_text(page())
