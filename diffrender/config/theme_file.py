"""A theme of one's own: a YAML file of colours by meaning, laid over `dark` or `light`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from diffrender.config.yaml_file import read_yaml
from diffrender.core.errors import UsageError
from diffrender.core.files import expanded
from diffrender.core.validation import validate

Color = Annotated[str, Field(pattern="^#[0-9A-Fa-f]{6}$")]
Table = Annotated[tuple[Color, ...], Field(min_length=2, max_length=16)]
ENDINGS = (".yaml", ".yml")


class OwnTheme(BaseModel):
    """Colours by meaning, #RRGGBB; what is not given is the base theme's. Tables run from low to high."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("own", pattern=r"^[\w-]+$", description="in the names of clips; the file's, if not given")
    base: Literal["dark", "light"] = Field("dark", description="the theme whose colours stand for those not given")
    bg: Color | None = Field(None, description="behind everything")
    panel: Color | None = Field(None, description="behind plots and images")
    grid: Color | None = Field(None, description="lines of grids")
    border: Color | None = Field(None, description="round panels")
    fg: Color | None = Field(None, description="text, and what happened: paths of chains, steps taken")
    muted: Color | None = Field(None, description="text that stands back: captions, axes")
    data: Color | None = Field(None, description="what the data say: the target, the score, x̂0")
    noise: Color | None = Field(None, description="chance, and what grew from it: samples")
    accept: Color | None = Field(None, description="proposals that were accepted")
    reject: Color | None = Field(None, description="proposals that were refused")
    density: Table | None = Field(None, description="of densities")
    magnitude: Table | None = Field(None, description="of lengths of arrows")
    error: Table | None = Field(None, description="of errors")
    signed: Table | None = Field(None, description="of numbers of both signs")
    image: Table | None = Field(None, description="of images of one channel")
    classes: Annotated[tuple[Color, ...], Field(min_length=10, max_length=10)] | None = Field(
        None, description="ten, for the classes of a set"
    )
    categories: Annotated[tuple[Color, ...], Field(min_length=7, max_length=7)] | None = Field(
        None, description="seven, for what is compared"
    )


def is_theme_file(name: Any) -> bool:
    """Whether a theme is named by a file of its own."""
    return isinstance(name, str) and Path(name).suffix.lower() in ENDINGS


def read_theme(name: str) -> OwnTheme:
    """The theme in a YAML file; UsageError or ConfigError names the file and the key."""
    file = expanded(name)
    if not file.is_file():
        raise UsageError(f"--theme {name}: no such file.", "A theme is dark, light, or a YAML file of colours.")
    data = read_yaml(file)
    found: OwnTheme = validate(OwnTheme, {"name": file.stem, **data}, str(file))
    return found
