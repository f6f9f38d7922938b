"""Render settings and render specs: plain, checked objects that say how a clip is to look and of what it is made.

`RenderSettings` is what a user may choose: the command line builds it from flags, a lecture from its `defaults`, the
Python interface from keywords. `RenderSpec` is a scene, its recordings and options, the settings and an output file; it
travels to the processes that draw. Neither Manim nor torch is imported here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

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


class RenderSpec(OutputSettings):
    """One clip, still or contact sheet: what to draw, from which recordings, as which file.

    Build it with `RenderSpec.of(...)`, whose errors name the field. `format` follows from the ending of `out`.
    """

    scene: Path = Field(description="the Python file that holds the scene")
    scene_class: str = Field(description="the name of the Scene in that file")
    trajectories: dict[str, Path] = Field(
        default_factory=dict, description="recordings by the names the scene gives them"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="the scene's own options")
    catalogue: Path | None = Field(None, description="the file of its language; none for English")
    logo_file: Path | None = Field(None, description="the logo in its corner, if it has one")
    sounds: dict[str, Path] = Field(
        default_factory=dict, description="what is heard in its acts: an act waits until the one before was heard"
    )
    act_pause: float = Field(0.0, ge=0, le=60, description="seconds that stand still between two acts")
    out: Path
    format: Format
    width: int = Field(1920, ge=LEAST_SIDE, le=MOST_SIDE)
    height: int = Field(1080, ge=LEAST_SIDE, le=MOST_SIDE)
    fps: int = Field(30, ge=1, le=240)
    segment_seconds: float = Field(2.0, gt=0, le=600, description="length of the separately encoded pieces")
    metadata: dict[str, str] = Field(default_factory=dict, description="written into the file (title, comment, …)")

    @classmethod
    def of(cls, **fields: Any) -> RenderSpec:
        """A checked spec; ConfigError (exit code 2) names the field that cannot be."""
        return validate(cls, fields, "render")

    @classmethod
    def with_settings(cls, settings: RenderSettings, *, out: Path, **fields: Any) -> RenderSpec:
        """The spec of a scene drawn with these settings into `out`."""
        width, height, fps = settings.size()
        shared = {name: getattr(settings, name) for name in OutputSettings.model_fields}
        size = {"width": width, "height": height, "fps": fps, "format": settings.format_for(out)}
        if size["format"] == "gif" and settings.resolution and "gif_width" not in settings.model_fields_set:
            shared["gif_width"] = min(width, GIF_WIDEST)  # pixels that were asked for by number are those of the file
        return cls.of(**shared, **size, out=out, **fields)

    @model_validator(mode="before")
    @classmethod
    def _format_from_out(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not data.get("out"):
            return data
        picture = data.get("still") is not None or data.get("contact_sheet")
        suffix = Path(data["out"]).suffix.lower().removeprefix(".")
        return {**data, "format": data.get("format") or ("png" if picture else suffix)}

    @model_validator(mode="after")
    def _agrees(self) -> RenderSpec:
        suffix = self.out.suffix.lower().removeprefix(".")
        if suffix != self.format:
            raise UsageError(f"--out {self.out} does not end in .{self.format}.", "Name it so, or leave --format out.")
        if self.transparent and self.format == "mp4":
            raise UsageError("mp4 cannot be transparent.", "Use --format webm or mov (or gif, whose edges are hard).")
        if self.loop and self.format != "gif":
            raise UsageError(f"--loop is for GIFs, and {self.out.name} is none.", "Leave it out, or use --format gif.")
        if self.sounds and self.format not in ("mp4", "mov"):
            raise UsageError(f"{self.out.name}: {self.format} has no sound here.", "Use mp4 or mov.")
        if self.still is not None and self.contact_sheet:
            raise UsageError("--still and --contact-sheet are two different pictures.", "Ask for one of them.")
        return self

    @property
    def picture(self) -> bool:
        """Whether one PNG is made in place of a clip."""
        return self.format == "png"
