"""Render settings: what a user may choose of how a clip is drawn and written, plain and checked.

The command line builds them from flags, a lecture from its `defaults`, the Python interface from keywords. Neither
Manim nor torch is imported here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from diffrender.config.theme_file import OwnTheme, is_theme_file, read_theme
from diffrender.core import notes
from diffrender.core.errors import UsageError, suggest
from diffrender.core.validation import validate

Format = Literal["mp4", "gif", "webm", "mov", "png"]
Encode = Literal["draft", "fast", "small"]
Quality = Literal["l", "m", "h", "p", "k"]
Aspect = Literal["16:9", "4:3", "1:1", "9:16"]
Theme = Literal["dark", "light"]
FontSize = Literal["normal", "large"]
FORMATS: tuple[Format, ...] = get_args(Format)
ENCODES: tuple[Encode, ...] = get_args(Encode)
ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
THEMES: tuple[Theme, ...] = get_args(Theme)
FONT_SIZES: tuple[FontSize, ...] = get_args(FontSize)
QUALITIES: dict[Quality, tuple[int, int, int]] = {  # long side, short side, frames a second, as in Manim
    "l": (854, 480, 15),
    "m": (1280, 720, 30),
    "h": (1920, 1080, 60),
    "p": (2560, 1440, 60),
    "k": (3840, 2160, 60),
}
GIF_WIDEST = 4096  # pixels
LEAST_SIDE, MOST_SIDE = 16, 16384  # pixels of a frame
NEAR_SHAPE = 0.02  # by which a resolution may miss the shape that is said
CHOICES: dict[str, tuple[str, tuple[str, ...]]] = {  # setting → what it is a choice of, and the choices
    "quality": ("no such quality", tuple(QUALITIES)),
    "aspect": ("no such shape", ASPECTS),
    "format": ("no such format", FORMATS),
    "encode": ("no such way to encode", ENCODES),
    "font_size": ("no such size of text", FONT_SIZES),
}


def _theme(given: Any) -> Any:
    """A theme as it is given: its name, the name of a file of colours, or the colours."""
    if is_theme_file(given):
        return read_theme(given)
    if isinstance(given, str) and given not in THEMES:
        raise UsageError(f"--theme {given}: no such theme.", f"{suggest(given, THEMES)} Or a YAML file of colours.")
    return validate(OwnTheme, given, "theme") if isinstance(given, dict) else given


def _or_a_file(schema: dict[str, Any]) -> None:
    schema["anyOf"].append({"type": "string", "pattern": r"\.ya?ml$"})


class Settings(BaseModel):
    """Settings by name: unknown ones are refused, and an object is never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


class Look(Settings):
    """The colours, the language and the care with which every clip is drawn and encoded."""

    theme: Annotated[Theme | OwnTheme, BeforeValidator(_theme)] = Field(
        "dark", description="dark, light, a YAML file of colours, or the colours", json_schema_extra=_or_a_file
    )
    lang: str = Field("en", min_length=1, description="language on screen: en, de, ja, or a catalogue's file")
    font_size: FontSize = Field("normal", description="large: all text of every scene a tenth larger")
    author: str = Field("", max_length=60, description="a name in the corner of every clip")
    logo: str = Field("", description="a picture (SVG, PNG) in the corner of every clip")
    encode: Encode = Field("fast", description="draft: soon; fast: good and soon; small: the smallest files")


class ClipSettings(Look):
    """Settings that all clips of one film share."""

    quality: Quality = Field("h", description="size and frame rate, as in Manim: l 480p15, m 720p30, h 1080p60, p, k")
    aspect: Aspect = Field("16:9", description="shape of the frame")
    fps: int | None = Field(None, ge=1, le=240, description="frames a second, if not the quality's own")
    resolution: str = Field("", description="W,H in pixels, in place of the quality's and the aspect's")


class OutputSettings(Look):
    """Settings of one output file, whatever its size."""

    transparent: bool = Field(False, description="no background")
    still: float | None = Field(None, ge=0, le=1, description="the frame at this part of the clip, as PNG")
    contact_sheet: bool = Field(False, description="twelve frames of the clip on one PNG")
    codec: str | None = Field(None, description="an encoder of PyAV's by name, in place of the format's own")
    workers: int = Field(1, ge=1, le=256, description="processes that draw; the file is the same for any number")
    gif_width: int = Field(
        720, ge=16, le=GIF_WIDEST, description="widest a GIF gets, if no resolution is given; never wider than the clip"
    )
    gif_fps: int = Field(15, ge=1, le=50, description="frames a second of a GIF; never more than the clip's")
    max_mb: float | None = Field(None, gt=0, description="a GIF is made smaller until it has at most so many megabytes")
    loop: bool = Field(False, description="a GIF dissolves at its end into its first frame, so that it goes on unseen")
    seed: int = Field(0, ge=0, lt=2**32, description="of Python's and NumPy's global generators while a scene is built")


class RenderSettings(ClipSettings, OutputSettings):
    """All that a user may choose of how a clip is drawn and written, whatever the scene.

    >>> RenderSettings.of(quality="m", aspect="1:1").size()
    (720, 720, 30)
    """

    format: Format | None = Field(None, description="of the file, if its name does not say it")

    @classmethod
    def of(cls, **given: Any) -> RenderSettings:
        """Checked settings; what is None is left as it is. UsageError or ConfigError names what cannot be."""
        given = {name: value for name, value in given.items() if value is not None}
        for name, (problem, choices) in CHOICES.items():
            if name in given and given[name] not in choices:
                raise UsageError(
                    f"--{name.replace('_', '-')} {given[name]}: {problem}.", suggest(str(given[name]), choices)
                )
        settings: RenderSettings = validate(cls, given, "render")
        settings.size()
        _warn_of_contrasts(settings)
        return settings

    def size(self) -> tuple[int, int, int]:
        """(width, height, fps): the quality's, turned or cropped to the aspect; a resolution goes over both."""
        long, short, rate = QUALITIES[self.quality]
        width, height = {
            "16:9": (long, short),
            "4:3": (short * 4 // 3, short),
            "1:1": (short, short),
            "9:16": (short, long),
        }[self.aspect]
        if self.resolution:
            width, height = _sides(self.resolution)
        return width, height, self.fps or rate

    def format_for(self, out: Path | None) -> Format:
        """The format of the file: as asked for, else by the ending of `out`, else what fits the other settings."""
        if self.format:
            return self.format
        if out is None:
            picture = self.still is not None or self.contact_sheet
            return "png" if picture else "mov" if self.transparent else "mp4"
        ending = out.suffix.lower().removeprefix(".")
        found = next((name for name in FORMATS if name == ending), None)
        if found is None:
            if not ending:
                remedy = f"Give it an ending, such as {out.name}.mp4. Known: {', '.join(FORMATS)}."
                raise UsageError(f"--out {out}: its name does not say the format.", remedy)
            problem = f"--out {out}: '{out.suffix}' is not a format that diffrender writes."
            raise UsageError(problem, suggest(ending, FORMATS))
        return found

    def check_used(self, out: Path | None) -> None:
        """UsageError for what does nothing in the one file that is made, or says another shape than its size has."""
        made = self.format_for(out)
        for name in sorted({"gif_width", "gif_fps", "max_mb"} & self.model_fields_set):
            if made != "gif":
                flag = f"--{name.replace('_', '-')}"
                raise UsageError(f"{flag} is for GIFs, and a {made} is made.", "Leave it out, or use --format gif.")
        if made in ("gif", "png") and (self.codec or self.encode != "fast"):
            flag = f"--codec {self.codec}" if self.codec else f"--encode {self.encode}"
            raise UsageError(f"{flag} is for videos, and a {made} is made.", "Leave it out, or use --format mp4.")
        width, height, _ = self.size()
        wide, high = map(int, self.aspect.split(":"))
        if self.aspect != "16:9" and abs(width * high / (height * wide) - 1) > NEAR_SHAPE:
            raise UsageError(f"--aspect {self.aspect}: {width} × {height} pixels have another shape.", "Leave one out.")


def _warn_of_contrasts(settings: RenderSettings) -> None:
    """Say once what can hardly be read or seen in a theme of the user's own."""
    if isinstance(settings.theme, OwnTheme):
        from diffrender.animation.own_theme import theme_of, weak_contrasts

        for weak in weak_contrasts(theme_of(settings.theme)):
            notes.note_once(f"Theme '{settings.theme.name}': {weak}.")


def _sides(resolution: str) -> tuple[int, int]:
    """Width and height that are written W,H or WxH."""
    flag, example = f"-r / --resolution {resolution}", "Example: -r 1280,720"
    try:
        width, height = (int(part) for part in resolution.lower().replace("x", ",").split(","))
    except ValueError:
        raise UsageError(f"{flag}: not of the form W,H.", example) from None
    for name, side in (("width", width), ("height", height)):
        if not LEAST_SIDE <= side <= MOST_SIDE:
            limits = f"must be {LEAST_SIDE} to {MOST_SIDE:,} pixels"
            raise UsageError(f"{flag}: its {name} {limits} (got {side}).", example)
    return width, height
