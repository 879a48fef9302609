"""The table of parts, in the order in which they are measured."""

from __future__ import annotations

from common.plan import Part

from parts.animation import animation
from parts.commands import commands
from parts.frames import frames
from parts.memory import memory
from parts.peers import peers
from parts.scaling import scaling
from parts.startup import startup
from parts.targets import targets
from parts.tuning import tuning

__all__ = ["PARTS"]

PARTS: dict[str, Part] = {
    "startup": startup,
    "commands": commands,
    "targets": targets,
    "memory": memory,
    "frames": frames,
    "animation": animation,
    "scaling": scaling,
    "tuning": tuning,
    "peers": peers,
}
