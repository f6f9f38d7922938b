"""An SVG file as a document: checked, cleared of what is not drawn, its view found, and shown through any window."""

from __future__ import annotations

import io
import math
import re
from xml.etree import ElementTree

from diffrender.core.errors import DiffrenderError, words_of
from diffrender.diffusion.targets.shapes import svg_css

MAX_BYTES = 50_000_000
MAX_DEPTH = 256
HEAD_BYTES = 4096  # in which a file says what it is
SVG = "http://www.w3.org/2000/svg"
HREF = ("href", "{http://www.w3.org/1999/xlink}href")
UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}  # CSS pixels
LENGTH = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)([a-z]*)\s*")

PREFIX = re.compile(r"</?([A-Za-z_][-\w]*):|\s([A-Za-z_][-\w]*):[-\w]+\s*=")  # of a namespace, in a tag
AS_STYLES = ("fill", "stroke", "stop-color", "vector-effect")  # attributes that may say what no renderer here follows
ANIMATED = ("animate", "animateTransform", "animateMotion", "set")
KNOWN_PREFIXES = {"xlink": "http://www.w3.org/1999/xlink", "svg": SVG}

Box = tuple[float, float, float, float]  # x, y, width, height


class Document:
    """A drawing whose outermost element is <svg>; `name` is what errors call it.

    label: "colour" where it says that its colours are classes. view: the part of the plane that it shows, in its own
    units, or None if it does not say. texts: its <text> elements. linked: whether it names another file's style sheet.
    left_out: what was taken out of it, in words.
    """

    def __init__(self, source: bytes, name: str) -> None:
        self.name, self.left_out = name, list[str]()
        self.root = _parsed(source, name)
        self.linked = b"<?xml-stylesheet" in source[:HEAD_BYTES]
        self.label = self.root.get("data-label", "")
        self._drop_links()
        self._plain_styles()
        self.texts = [e for e in self.root.iter() if tag(e) == "text"]
        self.view = self._placed()

    def through(self, window: Box, width: int, height: int) -> str:
        """The drawing as SVG of so many pixels that shows just what lies in `window`."""
        box = " ".join(f"{v:.12g}" for v in window)
        inner = ElementTree.tostring(self.root, encoding="unicode")
        size = f'width="{width}" height="{height}" preserveAspectRatio="none"'
        return f'<svg xmlns="{SVG}" viewBox="{box}" {size}>{inner}</svg>'

    def forget_view(self) -> None:
        """Show all that is drawn, wherever it lies."""
        self.view = None
        for key in ("viewBox", "preserveAspectRatio"):
            self.root.attrib.pop(key, None)
        for key, value in (("x", "0"), ("y", "0"), ("width", "100"), ("height", "100"), ("overflow", "visible")):
            self.root.set(key, value)

    def _drop_links(self) -> None:
        """Take out what other files would be read for, and what is no drawing."""
        links = elements = 0
        for parent in list(self.root.iter()):
            for child in list(parent):
                if tag(child) in ("script", "metadata", "foreignObject"):
                    elements += tag(child) == "foreignObject" and len(child) > 0  # Illustrator's is empty
                    parent.remove(child)
                    continue
                for key in HREF:
                    link = child.get(key, "#").strip()
                    if not link.startswith(("#", "data:")):
                        links += tag(child) in ("image", "feImage", "use")
                        del child.attrib[key]
        if links:
            self.left_out.append(f"{links} picture{'s' * (links > 1)} or part{'s' * (links > 1)} from other files")
        if elements:
            self.left_out.append("HTML inside it")

    def _plain_styles(self) -> None:
        """Put its styles the way they are drawn, and say which have no effect."""
        sheets = [e for e in self.root.iter() if tag(e) == "style"]
        styled = [e for e in self.root.iter() if e.get("style")]
        known = svg_css.variables("\n".join([*((e.text or "") for e in sheets), self.root.get("style", "")]))
        for element in sheets:
            element.text = svg_css.plain(element.text or "", known)
        for element in styled:
            element.set("style", svg_css.plain(element.get("style", ""), known))
        for element in self.root.iter():
            for key, value in element.items():
                if value.endswith("rem") and (rems := svg_css.REMS.fullmatch(value.strip())):
                    element.set(key, svg_css.in_pixels(rems))
        rules = "\n".join(["@import;" * self.linked, *(e.text or "" for e in sheets)])
        own = [f"{key}:{e.get(key)};" for e in self.root.iter() for key in AS_STYLES if e.get(key)]
        self.left_out += svg_css.without_effect("\n".join([rules, *(e.get("style", "") for e in styled), *set(own)]))
        if any(tag(e) in ANIMATED for e in self.root.iter()) and "animations" not in self.left_out:
            self.left_out.append("animations")

    def _placed(self) -> Box | None:
        """Give the outermost element its place in the plane, as a window needs it; returns its view."""
        root = self.root
        said, width, height = root.get("viewBox"), length_of(root.get("width")), length_of(root.get("height"))
        box = box_of(said)
        for key in ("x", "y", "transform"):
            root.attrib.pop(key, None)
        if (said or "").strip() and (not box or min(box[2:]) <= 0 or not all(map(math.isfinite, box))):
            raise DiffrenderError(
                f'{self.name}: its viewBox="{" ".join((said or "").split())[:60]}" shows nothing: it is four numbers: '
                "x, y, a width and a height above 0.",
                'Set it to what is to be seen, such as viewBox="0 0 100 100", or leave it out: all is then drawn.',
            )
        view: Box | None
        if box and root.get("preserveAspectRatio", "").strip().startswith("none") and width and height:
            view = (0.0, 0.0, width, height)
        elif box:
            view = box
        elif width and height:
            view = (0.0, 0.0, width, height)
        else:
            view = None
            root.set("overflow", "visible")
        placed = view or (0.0, 0.0, width or 100.0, height or 100.0)
        for key, value in zip(("x", "y", "width", "height"), placed, strict=True):
            root.set(key, f"{value:.9g}")
        return view


def _parsed(source: bytes, name: str) -> ElementTree.Element:
    """The outermost element; refused if it is not <svg>, or the file is too deep, too large, or no XML."""
    if len(source) > MAX_BYTES:
        raise DiffrenderError(f"{name}: larger than a drawing may be ({MAX_BYTES // 10**6} MB).")
    if source.startswith(b"\x1f\x8b"):
        raise DiffrenderError(f"{name}: a compressed drawing (SVGZ).", "Unpack it: gunzip -S .svgz")
    source = source.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    depth, root = 0, None
    try:
        for event, element in ElementTree.iterparse(io.BytesIO(source), events=("start", "end")):
            root = element if root is None else root
            depth += 1 if event == "start" else -1
            if depth > MAX_DEPTH:
                raise DiffrenderError(f"{name}: nested more than {MAX_DEPTH} elements deep.")
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        reason = words_of(error)
        if "unbound prefix" in reason and (named := _with_prefixes(source)) != source:
            return _parsed(named, name)
        if "undefined entity" in reason:
            raise DiffrenderError(
                f"{name}: names an XML entity that the file itself does not define ({reason}).",
                "Other files are not read. Save it again as plain SVG.",
            ) from None
        if "amplification" in reason:
            raise DiffrenderError(f"{name}: its XML entities multiply without end.", "Save it as plain SVG.") from None
        raise DiffrenderError(
            f"{name}: not an SVG file that can be read ({reason}).", "Save it again as plain SVG, in UTF-8."
        ) from None
    if root is None or tag(root) != "svg":
        found = "nothing" if root is None else f"<{tag(root)[:40]}>"
        raise DiffrenderError(f"{name}: not an SVG file: its outermost element is {found}.")
    return root


def _with_prefixes(source: bytes) -> bytes:
    """The source with a namespace for every prefix that lacks one, as drawings cut out of web pages do."""
    text = source.decode("latin-1")
    used = {a or b for a, b in PREFIX.findall(text)} - {"xml", "xmlns"}
    names = [name for name in sorted(used) if f"xmlns:{name}" not in text]
    given = "".join(f' xmlns:{name}="{KNOWN_PREFIXES.get(name, f"urn:{name}")}"' for name in names)
    return re.sub(r"<((?:\w+:)?svg)\b", lambda found: f"<{found[1]}{given}", text, count=1).encode("latin-1")


def tag(element: ElementTree.Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def box_of(text: str | None) -> Box | None:
    """The four numbers of a viewBox, or None if they are not four numbers."""
    try:
        x, y, width, height = (float(part) for part in (text or "").replace(",", " ").split())
    except ValueError:
        return None
    return x, y, width, height


def length_of(text: str | None) -> float | None:
    """A length in CSS pixels, or None if it is none, or relative to something else."""
    found = LENGTH.fullmatch(text or "")
    if not found or found[2] not in UNITS:
        return None
    value = float(found[1]) * UNITS[found[2]]
    return value if 0 < value < math.inf else None
