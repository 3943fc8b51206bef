"""docs/proving.md says how large every chip is and which attacks are tried: checked here.

`python tests/unit/proving/test_documentation.py` writes the table anew.
"""

import re
from pathlib import Path

from proving.air.logup import lookup_layout
from proving.chips.registry import CHIPS

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "proving.md"
BEGIN, END = "<!-- chips: begin -->\n", "<!-- chips: end -->"
ATTACKS_BEGIN, ATTACKS_END = "<!-- attacks: begin -->\n", "<!-- attacks: end -->"


def table() -> str:
    lines = [
        "| chip | preprocessed | main | LogUp | interactions | constraints |",
        "|---|---|---|---|---|---|",
    ]
    for chip in CHIPS:
        air = chip.air
        cells = (
            chip.name,
            air.preprocessed_width,
            air.main_width,
            lookup_layout(air).base_width,
            len(air.interactions),
            len(air.constraints),
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def test_the_page_lists_every_chip_as_it_is() -> None:
    text = PAGE.read_text()
    assert text[text.index(BEGIN) + len(BEGIN) : text.index(END)] == table()


def test_every_attack_that_the_page_lists_is_tried() -> None:
    text = PAGE.read_text()
    listed = text[text.index(ATTACKS_BEGIN) + len(ATTACKS_BEGIN) : text.index(ATTACKS_END)]
    _, _, *rows = listed.splitlines()
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    tests = set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
    for row in rows:
        named = set(re.findall(r"`(test_\w+)`", row))
        assert named, row
        assert named <= tests, named - tests


if __name__ == "__main__":
    text = PAGE.read_text()
    PAGE.write_text(text[: text.index(BEGIN) + len(BEGIN)] + table() + text[text.index(END) :])
