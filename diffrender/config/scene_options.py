"""The options that every scene has. Manim-free, so that they are checked before anything is trained."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from diffrender.core.validation import NamedOptions


class SceneOptions(NamedOptions):
    """Options of every scene; each adds its own, or gives one of these another default. Unknown ones are refused."""

    model_config = ConfigDict(validate_default=True)

    duration: float = Field(
        10.0, gt=0, le=600, description="seconds in which recorded time passes once; the rest of a clip comes on top"
    )
    hold: float = Field(3.0, ge=0, le=60, description="seconds that the last picture stands")
    pause: float = Field(1.0, ge=0, le=60, description="seconds that the first picture stands")
    speed: float = Field(1.0, gt=0, le=20, description="all that moves goes so many times as fast")
    title: str | None = Field(None, description="words in place of the title; '' for none")
    subtitle: str = Field("", description="a line of words under the title, or beside it in a wide frame")
    caption: str | None = Field(None, description="words in place of the caption; '' for none")
    trails: int = Field(0, ge=0, le=500, description="points that leave a tail")
    points: int | None = Field(None, ge=1, le=1_000_000, description="points that are shown, if not all")
    color: str | None = Field(
        None, pattern="^#[0-9A-Fa-f]{6}$", description="#RRGGBB of what is generated, if not the theme's"
    )
    font_scale: float = Field(1.0, ge=0.5, le=2, description="all text is so many times as large")
    project: str | None = Field(
        None,
        pattern=r"^(pca|[0-9]+,[0-9]+(,[0-9]+)?)$",
        description="points of many dimensions as a picture: pca, or coordinates from 0 on, as 0,1 (default: pca)",
    )
    interpolate: bool = Field(False, description="also show states between two recorded ones, on straight lines")
    orbit: float = Field(90.0, ge=-3600, le=3600, description="degrees that the camera turns, in space")
