"""Render specs: one clip, of what it is made, how it is to look and where it goes.

A spec travels to the processes that draw. Neither Manim nor torch is imported here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from diffrender.core.errors import UsageError
from diffrender.core.validation import validate
from diffrender.video.settings import GIF_WIDEST, LEAST_SIDE, MOST_SIDE, Format, OutputSettings, RenderSettings


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
        if (self.still is not None or self.contact_sheet) and self.format != "png":
            flag = "--contact-sheet" if self.contact_sheet else "--still"
            raise UsageError(f"{flag} writes one PNG, and {self.out.name} is none.", "Name it .png.")
        return self

    @property
    def picture(self) -> bool:
        """Whether one PNG is made in place of a clip."""
        return self.format == "png"
