"""The table of peers, with the settings that are tried for each."""

from __future__ import annotations

from importlib.util import find_spec

from peers.base import Kind, Setting
from peers.continuous import FFJORD, CouplingMatching, FFJORDHutchinson, IndependentMatching
from peers.layered import NormflowsNSF, NormflowsRealNVP, ZukoCNF, ZukoNSF, ZukoRealNVP

__all__ = ["PEERS", "is_installed"]

SPLINES = (
    Setting(1e-3, 1024, 64),
    Setting(2e-3, 1024, 64),
    Setting(5e-3, 1024, 64),
    Setting(2e-3, 2048, 64),
    Setting(2e-3, 1024, 128),
)
COUPLINGS = (
    Setting(2e-3, 1024, 64),
    Setting(5e-3, 1024, 64),
    Setting(5e-3, 1024, 128),
    Setting(1e-2, 1024, 128),
    Setting(5e-3, 512, 128),
)
LIKELIHOOD = (
    Setting(1e-3, 1000, 64, decay=False),  # the authors' own
    Setting(5e-3, 1000, 64),
    Setting(5e-3, 256, 64),
    Setting(1e-2, 256, 64),
)
MATCHING = (
    Setting(1e-3, 256, 64, decay=False),  # the tutorial's
    Setting(5e-3, 256, 64),
    Setting(2e-3, 256, 256),
    Setting(5e-3, 1024, 128),
    Setting(5e-3, 1024, 256),
)
PEERS: dict[str, Kind] = {
    "zuko-nsf": Kind("zuko", "NSF", "zuko", ZukoNSF, SPLINES),
    "zuko-realnvp": Kind("zuko", "RealNVP", "zuko", ZukoRealNVP, COUPLINGS),
    "zuko-cnf": Kind("zuko", "CNF", "zuko", ZukoCNF, LIKELIHOOD[1:]),
    "normflows-nsf": Kind("normflows", "NSF", "normflows", NormflowsNSF, SPLINES),
    "normflows-realnvp": Kind("normflows", "RealNVP", "normflows", NormflowsRealNVP, COUPLINGS),
    "torchcfm-icfm": Kind("torchcfm", "I-CFM", "torchcfm", IndependentMatching, MATCHING),
    "torchcfm-otcfm": Kind("torchcfm", "OT-CFM", "torchcfm", CouplingMatching, MATCHING),
    "ffjord": Kind("FFJORD's own loop", "exact divergence", None, FFJORD, LIKELIHOOD),
    "ffjord-hutchinson": Kind("FFJORD's own loop", "Hutchinson", None, FFJORDHutchinson, LIKELIHOOD),
}


def is_installed(kind: Kind) -> bool:
    """Returns whether the kind's package is installed."""
    return kind.package is None or find_spec(kind.package) is not None
