"""The table of peers, with the settings that are tried for each.

This module does not import torch: a measured command starts with the memory of the process that starts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

__all__ = ["PEERS", "Kind", "Setting", "is_installed"]


@dataclass(frozen=True)
class Setting:
    """How a peer is trained.

    Attributes:
        lr: peak rate of Adam.
        batch: points of a step.
        width: width of the networks' hidden layers.
        decay: whether the rate falls linearly to zero at the end; if not, it is constant.
        threads: torch's number of threads.
    """

    lr: float
    batch: int
    width: int
    decay: bool = True
    threads: int = 1

    @property
    def label(self) -> str:
        """One line for a table."""
        more = ("" if self.decay else ", constant rate") + ("" if self.threads == 1 else f", {self.threads} threads")
        return f"rate {self.lr:g}, batch {self.batch}, width {self.width}{more}"


@dataclass(frozen=True)
class Kind:
    """A flow that takes part.

    Attributes:
        title: as tables show it.
        flow: the flow's name in tables.
        package: the package that must be installed; None if flowgif's own dependencies suffice.
        made_by: the class as ``module:name``; its argument is the width of the hidden layers.
        settings: those that are tried; the one with the least gap takes part in the comparison.
    """

    title: str
    flow: str
    package: str | None
    made_by: str
    settings: tuple[Setting, ...]


SPLINES = (
    Setting(1e-3, 1024, 64),
    Setting(2e-3, 1024, 64),
    Setting(5e-3, 1024, 64),
    Setting(1e-2, 1024, 64),
    Setting(2e-3, 2048, 64),
    Setting(2e-3, 1024, 128),
    Setting(5e-3, 1024, 128),
    Setting(5e-3, 1024, 64, threads=2),
)
COUPLED_SPLINES = (Setting(2e-3, 1024, 64), Setting(5e-3, 1024, 64), Setting(5e-3, 1024, 128))
COUPLINGS = (
    Setting(2e-3, 1024, 64),
    Setting(5e-3, 1024, 64),
    Setting(5e-3, 1024, 128),
    Setting(1e-2, 1024, 128),
    Setting(5e-3, 512, 128),
    Setting(5e-3, 1024, 64, threads=2),
)
LIKELIHOOD = (
    Setting(1e-3, 1000, 64, decay=False),  # the authors' own
    Setting(5e-3, 1000, 64),
    Setting(5e-3, 256, 64),
    Setting(1e-2, 256, 64),
    Setting(1e-2, 100, 64),
)
MATCHING = (
    Setting(1e-3, 256, 64, decay=False),  # the tutorial's
    Setting(5e-3, 256, 64),
    Setting(2e-3, 256, 256),
    Setting(5e-3, 1024, 128),
    Setting(5e-3, 1024, 256),
)
# The exact transport of a large batch takes most of a step, so these have small ones too.
TRANSPORT = (*MATCHING[:3], Setting(5e-3, 64, 64), Setting(5e-3, 64, 128))
PEERS: dict[str, Kind] = {
    "zuko-nsf": Kind("zuko", "NSF", "zuko", "peers.layered:ZukoNSF", SPLINES),
    "zuko-realnvp": Kind("zuko", "RealNVP", "zuko", "peers.layered:ZukoRealNVP", COUPLINGS),
    "zuko-cnf": Kind("zuko", "CNF", "zuko", "peers.layered:ZukoCNF", LIKELIHOOD[1:]),
    "normflows-nsf": Kind("normflows", "NSF", "normflows", "peers.layered:NormflowsNSF", SPLINES),
    "normflows-coupled-nsf": Kind(
        "normflows", "coupled NSF", "normflows", "peers.layered:NormflowsCoupledNSF", COUPLED_SPLINES
    ),
    "normflows-realnvp": Kind("normflows", "RealNVP", "normflows", "peers.layered:NormflowsRealNVP", COUPLINGS),
    "torchcfm-icfm": Kind("torchcfm", "I-CFM", "torchcfm", "peers.continuous:IndependentMatching", MATCHING),
    "torchcfm-otcfm": Kind("torchcfm", "OT-CFM", "torchcfm", "peers.continuous:CouplingMatching", TRANSPORT),
    "ffjord": Kind("FFJORD's loop", "exact", None, "peers.continuous:FFJORD", LIKELIHOOD),
    "ffjord-hutchinson": Kind("FFJORD's loop", "Hutchinson", None, "peers.continuous:FFJORDHutchinson", LIKELIHOOD),
}


def is_installed(kind: Kind) -> bool:
    """Returns whether the kind's package is installed."""
    return kind.package is None or find_spec(kind.package) is not None
