"""docs/proving.md says of every chip how large it is; so that it stays true, it is checked here.

`python tests/unit/proving/test_documentation.py` writes the table anew.
"""

from pathlib import Path

from proving.air.logup import lookup_layout
from proving.chips.registry import CHIPS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "proving.md"
BEGIN, END = "<!-- chips: begin -->\n", "<!-- chips: end -->"


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


if __name__ == "__main__":
    text = PAGE.read_text()
    PAGE.write_text(text[: text.index(BEGIN) + len(BEGIN)] + table() + text[text.index(END) :])
