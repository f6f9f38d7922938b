"""What a render is asked to make: one plain object that travels from the command line to worker processes.

It imports neither Manim nor torch, so that jobs and lectures can describe renders without paying for either.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from diffrender.core.errors import UsageError
from diffrender.core.validation import validate

Format = Literal["mp4", "gif", "webm", "mov", "png"]
FORMATS: tuple[Format, ...] = ("mp4", "gif", "webm", "mov", "png")
Encode = Literal["draft", "fast", "small"]
THEMES = ("dark", "light")
QUALITIES = {
    "l": (854, 480, 15),
    "m": (1280, 720, 30),
    "h": (1920, 1080, 60),
    "p": (2560, 1440, 60),
    "k": (3840, 2160, 60),
}


class RenderSpec(BaseModel):
    """One clip, still or contact sheet: what to draw, from which recordings, as which file.

    Build it with `RenderSpec.of(...)`, whose errors name the field. `format` follows from the ending of `out`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    scene: Path = Field(description="the Python file that holds the scene")
    scene_class: str = Field(description="the name of the Scene in that file")
    trajectories: dict[str, Path] = Field(
        default_factory=dict, description="recordings by the names the scene gives them"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="the scene's own options")
    out: Path
    format: Format
    width: int = Field(1920, ge=16, le=16384)
    height: int = Field(1080, ge=16, le=16384)
    fps: int = Field(30, ge=1, le=240)
    theme: str = "dark"
    transparent: bool = False
    encode: Encode = Field("fast", description="draft: soon; fast: good and soon; small: the smallest file")
    codec: str | None = Field(None, description="an encoder of PyAV's by name, in place of the format's own")
    workers: int = Field(1, ge=1, le=256, description="processes that draw; the file is the same for any number")
    segment_seconds: float = Field(2.0, gt=0, le=600, description="length of the separately encoded pieces")
    gif_width: int = Field(720, ge=16, le=4096, description="widest a GIF gets; never wider than the clip")
    gif_fps: int = Field(15, ge=1, le=50, description="frames a second of a GIF; never more than the clip's")
    max_mb: float | None = Field(None, gt=0, description="a GIF is made smaller until it has at most so many megabytes")
    still: float | None = Field(None, ge=0, le=1, description="the frame at this part of the clip, as PNG")
    contact_sheet: bool = Field(False, description="twelve frames of the clip on one PNG")
    seed: int = Field(0, ge=0, lt=2**32, description="of Python's and NumPy's global generators while a scene is built")
    metadata: dict[str, str] = Field(default_factory=dict, description="written into the file (title, comment, …)")

    @classmethod
    def of(cls, **fields: Any) -> RenderSpec:
        """A checked spec; ConfigError (exit code 2) names the field that cannot be."""
        return validate(cls, fields, "render")

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
        if self.still is not None and self.contact_sheet:
            raise UsageError("--still and --contact-sheet are two different pictures.", "Ask for one of them.")
        return self

    @property
    def picture(self) -> bool:
        """Whether one PNG is made in place of a clip."""
        return self.format == "png"
