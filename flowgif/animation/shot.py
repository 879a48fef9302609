"""An older name of AnimationConfig."""

from __future__ import annotations

from flowgif.animation.config import AnimationConfig as Shot  # alias

__all__ = ["Shot"]
