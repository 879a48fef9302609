"""The keyword arguments of :func:`flowgif.train` and :func:`flowgif.animate`, with their types.

They are the options of the commands, by the same names, and the keys of config files. Tests hold them to both. They are
read, and their values checked, where options are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

__all__ = ["DrawingKeywords", "TrainingKeywords"]


class TrainingKeywords(TypedDict, total=False):
    """What is fitted, and how; see ``flowgif train --help``, and for the rest docs/guide.md, 'Settings in a file'."""

    img: str | Path | None
    text: str | None
    font: str | Path | None
    data: str | None
    noise: float | None
    ink: str | None
    invert: bool | None
    threshold: float | None
    frame: int | None
    max_side: int | None

    model: str | None
    aspect: float | None
    network: str | None
    channels: int | None
    finest: float | None
    box: tuple[float, float, float, float] | None
    nodes: int | None
    features: int | None
    frequency: float | None
    width: int | None
    depth: int | None
    end_time: float | None
    divergence: str | None
    tolerance: float | None
    solver: str | None
    rtol: float | None
    atol: float | None
    solver_steps: int | None
    layers: int | None
    activation: str | None
    scale_bound: float | None
    two_networks: bool | None
    bins: int | None
    bound: float | None

    objective: str | None
    steps: int | None
    time_budget: str | float | None
    epochs: int | None
    samples: int | None
    batch_size: int | None
    lr: float | None
    optimiser: str | None
    schedule: str | None
    kinetic: float | None
    jacobian: float | None
    l2: float | None
    seed: int | None
    device: str | None
    from_: str | Path | None  # without the underscore it is a word of Python's


class DrawingKeywords(TypedDict, total=False):
    """How an animation looks and moves; see ``flowgif animate --help``, whose order this is."""

    max_size: str | int | None
    preset: str | None
    style: str
    size: int | None
    points: int | None
    theme: str | None
    fg: str | None
    bg: str | None
    cmap: str | None
    color: str | None
    transparent: bool
    caption: bool
    seed: int
    frames: int | None
    frames_per_layer: int | None
    duration: float | None
    fps: float
    hold: str | float | Sequence[float]
    easing: str | None
    bounce: bool
    loop_back: bool
    loops: int
    first_frame: str
