"""A PowerPoint file: a slide for each act, whose video begins by itself, with its picture and the lecturer's notes.

python-pptx starts a video by a click; the timing that makes it start with its slide is what PowerPoint writes for
"Start: Automatically", an effect of the main sequence that plays the media after what came before (ISO/IEC 29500-1,
19.5; `p:cmd` with `playFrom`).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diffrender.core.files import replacing
from diffrender.lecture.slides.deck import ground
from diffrender.lecture.slides.slide import Slide
from diffrender.video.film.join import first_frame

HEIGHT = 6_858_000  # of a slide, in English metric units: 7.5 inches, as PowerPoint's own
BLANK = 6  # the empty layout of python-pptx's template
NAMESPACE = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
TIMING = """<p:timing {namespace}><p:tnLst><p:par><p:cTn id="1" dur="indefinite" restart="never" nodeType="tmRoot">
<p:childTnLst><p:seq concurrent="1" nextAc="seek"><p:cTn id="2" dur="indefinite" nodeType="mainSeq"><p:childTnLst>
<p:par><p:cTn id="3" fill="hold"><p:stCondLst><p:cond delay="indefinite"/><p:cond evt="onBegin" delay="0">
<p:tn val="2"/></p:cond></p:stCondLst><p:childTnLst><p:par><p:cTn id="4" fill="hold"><p:stCondLst><p:cond delay="0"/>
</p:stCondLst><p:childTnLst><p:par><p:cTn id="5" presetID="1" presetClass="mediacall" presetSubtype="0" fill="hold"
nodeType="afterEffect"><p:stCondLst><p:cond delay="0"/></p:stCondLst><p:childTnLst><p:cmd type="call"
cmd="playFrom(0.0)"><p:cBhvr><p:cTn id="6" dur="{milliseconds}" fill="hold"/><p:tgtEl><p:spTgt spid="{shape}"/>
</p:tgtEl></p:cBhvr></p:cmd></p:childTnLst></p:cTn></p:par></p:childTnLst></p:cTn></p:par></p:childTnLst></p:cTn>
</p:par></p:childTnLst></p:cTn><p:prevCondLst><p:cond evt="onPrev" delay="0"><p:tgtEl><p:sldTgt/></p:tgtEl></p:cond>
</p:prevCondLst><p:nextCondLst><p:cond evt="onNext" delay="0"><p:tgtEl><p:sldTgt/></p:tgtEl></p:cond></p:nextCondLst>
</p:seq><p:video><p:cMediaNode vol="80000"><p:cTn id="7" fill="hold" display="0"><p:stCondLst>
<p:cond delay="indefinite"/></p:stCondLst></p:cTn><p:tgtEl><p:spTgt spid="{shape}"/></p:tgtEl></p:cMediaNode></p:video>
</p:childTnLst></p:cTn></p:par></p:tnLst></p:timing>"""


def write_powerpoint(title: str, slides: Sequence[Slide], pieces: Sequence[Sequence[Path]], out: Path) -> Path:
    """Write the file, a slide for each of the `pieces` of each slide; returns it."""
    from pptx import Presentation
    from pptx.dml.color import RGBColor

    deck = Presentation()
    deck.core_properties.title = title
    width, height = slides[0].size
    deck.slide_width, deck.slide_height = round(HEIGHT * width / height), HEIGHT
    color = RGBColor.from_string(ground(slides)[1:])
    for slide, files in zip(slides, pieces, strict=True):
        for k, file in enumerate(files):
            page = deck.slides.add_slide(deck.slide_layouts[BLANK])
            page.background.fill.solid()
            page.background.fill.fore_color.rgb = color
            _add_video(deck, page, slide, file, (slide.stops[k] - slide.begins[k]) / slide.fps)
            page.notes_slide.notes_text_frame.text = slide.notes or slide.caption
    with replacing(out) as target:
        deck.save(target)
    return out


def _add_video(deck: Any, page: Any, slide: Slide, file: Path, seconds: Any) -> None:
    """A video as large as the slide lets it be, that shows its first picture and starts by itself."""
    from lxml import etree

    scale = min(deck.slide_width / slide.size[0], deck.slide_height / slide.size[1])
    width, height = (round(scale * side) for side in slide.size)
    left, top = (deck.slide_width - width) // 2, (deck.slide_height - height) // 2
    poster = io.BytesIO()
    first_frame(file).to_image().save(poster, "PNG")
    poster.seek(0)
    shape = page.shapes.add_movie(str(file), left, top, width, height, poster, "video/mp4")
    shape.name = slide.title
    for old in page._element.findall("p:timing", page._element.nsmap):
        page._element.remove(old)
    text = TIMING.format(namespace=NAMESPACE, milliseconds=round(1000 * seconds), shape=shape.shape_id)
    page._element.append(etree.fromstring(text))
