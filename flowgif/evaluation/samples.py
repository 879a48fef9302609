"""New points of a flow as a file; FORMATS says which kinds of files there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from flowgif.errors import NumericalError, UnusableInput
from flowgif.files import check_writable, write_atomically
from flowgif.flows.base import Flow
from flowgif.names import SAMPLE_SUFFIXES, Table
from flowgif.targets.mixture import GaussianMixture

__all__ = ["FORMATS", "check_samples", "write_samples"]

Blocks = Iterator[npt.NDArray[np.float32]]  # of points (k, 2)
Writer = Callable[[BinaryIO, int, Blocks], object]  # fills a file with so many points, which come in blocks

MOST_POINTS = 10_000_000
BLOCK = 65_536  # points at a time, so that memory is bounded
# One point of a thousand is more than a pixel away from where a tighter solve puts it: there the flow tears the cloud.
TOLERANCE = 1e-5


def check_samples(n: int, path: Path) -> None:
    """Finds out before the work whether so many points can be written there.

    Raises:
        UnusableInput: they cannot.
    """
    if not 1 <= n <= MOST_POINTS:
        raise UnusableInput(f"--save-samples {n} is out of range; give 1 to {MOST_POINTS} points")
    if path.suffix.lower() not in FORMATS:
        known = " nor ".join(FORMATS)
        raise UnusableInput(f"cannot write {path}: its suffix is neither {known}; name a file of one of them")
    check_writable(path)


def write_samples(flow: Flow, target: GaussianMixture, n: int, path: Path, seed: int = 0) -> None:
    """Writes n independent draws of a flow: .npy, (n, 2) float32, or .csv, with a header.

    Args:
        flow: any.
        target: what it was fitted to; the file is in the target's units, which for a picture are pixels as given, x
            the column and y the row.
        n: number of points.
        path: replaced whole, or left alone.
        seed: of the draws.

    Raises:
        UnusableInput: n or the path's suffix is unusable, or the place cannot be written.
        NumericalError: the flow's points are not finite.
    """
    check_samples(n, path)
    write = FORMATS[path.suffix.lower()]

    def fill(beside: Path) -> None:
        with beside.open("wb") as file:
            write(file, n, _blocks(flow, target, n, seed))

    write_atomically(path, fill)


@torch.no_grad()
def _blocks(flow: Flow, target: GaussianMixture, n: int, seed: int) -> Blocks:
    """Yields n points, a block at a time."""
    generator, relaxed = torch.Generator().manual_seed(seed), flow.relaxed(TOLERANCE)
    like = next(flow.parameters())
    for start in range(0, n, BLOCK):
        z = torch.randn(min(BLOCK, n - start), 2, generator=generator).to(like)
        x = relaxed.trajectory(z, torch.tensor([1.0]))[0]
        if not bool(x.isfinite().all()):
            raise NumericalError("the flow's points are not finite; train again with a lower --lr")
        yield target.in_given_units(x.cpu()).float().numpy()


def _write_npy(file: BinaryIO, n: int, blocks: Blocks) -> None:
    header: dict[str, Any] = {"descr": "<f4", "fortran_order": False, "shape": (n, 2)}
    np.lib.format.write_array_header_1_0(file, header)
    for block in blocks:
        file.write(block.astype("<f4").tobytes())


def _write_csv(file: BinaryIO, n: int, blocks: Blocks) -> None:
    file.write(b"x,y\n")
    for block in blocks:
        np.savetxt(file, block, fmt="%.9g", delimiter=",")  # nine digits: as exact as the .npy


FORMATS: Table[Writer] = Table(SAMPLE_SUFFIXES, {".npy": _write_npy, ".csv": _write_csv})
