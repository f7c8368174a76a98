"""Write the table of units.md from the registry of photometric rules: python docs/make_units.py."""

from pathlib import Path

from skyshed.images.photometry import RULES

PAGE = Path(__file__).with_name("units.md")
#: What is before the table, and after it.
BEGIN, END = "<!-- rules -->\n", "<!-- end of rules -->\n"


def table() -> str:
    """Return the rules as a table."""
    rows = ["| cards | what they mean | source |", "| --- | --- | --- |"]
    for each in RULES.values():
        cards = ", ".join(f"`{card}`" for card in ("BUNIT", *each.cards))
        meaning = each.meaning.replace("|", "\\|")
        rows.append(f"| {cards} | {meaning} | {each.cite} |")
    return "\n".join(rows) + "\n"


def page() -> str:
    """Return the page with the table of today's rules."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
