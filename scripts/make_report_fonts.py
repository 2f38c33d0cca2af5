"""Make the two fonts of the PDF report from the variable Source Sans in Streamlit's wheel: `assets/fonts/README.md`.

Needs `fonttools` and `brotli`, which DermTree itself does not need: the fonts lie in the repository.
"""

from __future__ import annotations

from pathlib import Path

import streamlit
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "fonts"
FAMILY = "DermTree Sans"  # the licence reserves the name "Source" for the unchanged fonts
WEIGHTS = {"Regular": 400, "Semibold": 600}
# Latin with all its accents, Greek, Cyrillic, punctuation, arrows, signs of mathematics and shapes
BLOCKS = (
    *(range(0x20, 0x250), range(0x2B0, 0x530), range(0x1E00, 0x1F00), range(0x2000, 0x2070), range(0x2070, 0x2150)),
    *(range(0x2190, 0x2300), range(0x2500, 0x2780)),
)


def main() -> None:
    """Write both files."""
    (source,) = Path(streamlit.__file__).parent.glob("static/static/media/SourceSansVF-Upright*.woff2")
    for style, weight in WEIGHTS.items():
        # without a time stamp of today: the same input makes the same bytes
        font = instantiateVariableFont(TTFont(source, recalcTimestamp=False), {"wght": weight})
        options = subset.Options(hinting=False, layout_features=[], notdef_outline=True, name_IDs=["*"])
        options.drop_tables += ["STAT", "avar", "DSIG", "meta", "GSUB", "GPOS", "GDEF", "BASE"]
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=[code for block in BLOCKS for code in block])
        subsetter.subset(font)
        font.flavor = None
        rename(font, style)
        font.save(FOLDER / f"DermTreeSans-{style}.ttf")


def rename(font: TTFont, style: str) -> None:
    """Give the font a name of its own; copyright, licence and designer stay."""
    names = font["name"]
    kept = {number: str(names.getDebugName(number)) for number in (0, 8, 9, 11, 13, 14)}
    names.names = []
    postscript = f"{FAMILY.replace(' ', '')}-{style}"
    named = {1: FAMILY, 2: style, 3: f"3.052;{postscript}", 4: f"{FAMILY} {style}", 5: "Version 3.052", 6: postscript}
    for number, text in {**kept, **named}.items():
        names.setName(text, number, 3, 1, 0x409)


if __name__ == "__main__":
    main()
