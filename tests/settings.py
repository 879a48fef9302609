"""What tests of configs share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flowgif.config.reading import read_config
from flowgif.config.schema import RunConfig

DISCRETE = ["realnvp", "glow", "spline"]
MOONS = {"data": "moons"}


def with_moons(model: dict[str, Any] | None = None, **training: Any) -> dict[str, dict[str, Any]]:
    """Flags that fit the moons."""
    return {"target": MOONS, "model": model or {}, "training": training}


def read(folder: Path, text: str, **flags: dict[str, Any]) -> RunConfig:
    """A file that fits the moons and has some text more, with flags on top."""
    path = folder / "c.toml"
    path.write_text('[target]\ndata = "moons"\n' + text)
    return read_config(path, flags)
