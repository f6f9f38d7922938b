"""Cut Noto Sans JP down to the characters that catalogues use: python .ci/font.py noto-sans-jp-japanese-400-normal.woff

The file comes from the npm package @fontsource/noto-sans-jp. Writes diffrender/fonts/NotoSansJP.ttf: both kana, the
punctuation that goes with them, and every character of diffrender/words that New Computer Modern has not.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from diffrender.config.catalogue import languages
from diffrender.core.glyphs import FONTS

BLOCKS = (*range(0x3000, 0x3100), *range(0xFF01, 0xFF60))  # punctuation, hiragana, katakana; wide letters
NAMES = {1: "Noto Sans JP", 2: "Regular", 4: "Noto Sans JP", 6: "NotoSansJP-Regular"}
FIRST = 0x2E80  # what comes before it is New Computer Modern's


def main(source: Path) -> None:
    """Write the font."""
    font = TTFont(source)
    used = {ord(c) for file in languages().values() for c in file.read_text("utf-8") if ord(c) >= FIRST}
    kept, dropped = [0, 1, 2, 4, 6, 13, 14], ["STAT", "vhea", "vmtx", "BASE"]
    options = subset.Options(layout_features=[], name_IDs=kept, drop_tables=dropped, notdef_outline=True)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=used | set(BLOCKS))
    cutter.subset(font)
    for record in [r for r in font["name"].names if r.nameID in NAMES]:
        font["name"].setName(NAMES[record.nameID], record.nameID, record.platformID, record.platEncID, record.langID)
    font.flavor = None
    font.save(FONTS / "NotoSansJP.ttf")
    print(f"{FONTS / 'NotoSansJP.ttf'}: {len(font.getBestCmap())} characters")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
