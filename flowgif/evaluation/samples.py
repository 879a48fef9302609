"""Writes new points of a flow to a file; FORMATS lists the kinds of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from flowgif.errors import NumericalError, UnusableInput
from flowgif.files.writing import check_writable, write_atomically
from flowgif.flows.base import Flow
from flowgif.machine.device import use_threads
from flowgif.names import SAMPLE_SUFFIXES, Table
from flowgif.targets.mixture import GaussianMixture

__all__ = ["FORMATS", "check_samples", "write_samples"]

Blocks = Iterator[npt.NDArray[np.float32]]  # blocks of points (k, 2)
Writer = Callable[[BinaryIO, int, Blocks], object]  # fills a file with n points, which come in blocks

MOST_POINTS = 10_000_000
BLOCK = 65_536  # number of points computed together, so that memory is bounded
# With this tolerance 1 point in 1000 is off by more than a pixel (near discontinuities).
TOLERANCE = 1e-5


def check_samples(n: int, path: Path) -> None:
    """Checks in advance that n points can be written to a path.

    Raises:
        UnusableInput: the points cannot be written.
    """
    if not 1 <= n <= MOST_POINTS:
        raise UnusableInput(f"--save-samples {n} is out of range; give 1 to {MOST_POINTS} points")
    if path.suffix.lower() not in FORMATS:
        known = " nor ".join(FORMATS)
        raise UnusableInput(f"cannot write {path}: its suffix is neither {known}; name a file of one of them")
    check_writable(path)


@use_threads(1)
def write_samples(flow: Flow, target: GaussianMixture, n: int, path: Path, seed: int = 0) -> None:
    """Writes n independent draws of a flow: .npy, (n, 2) float32, or .csv, with a header.

    Args:
        flow: any flow.
        target: the target to which the flow was fitted. The file is in the target's units. For a picture these are
            pixels as given: x is the column and y the row.
        n: number of points.
        path: the file. It is replaced as a whole, or not changed at all.
        seed: the seed of the draws.

    Raises:
        UnusableInput: n or the path's suffix is unusable, or the file cannot be written.
        NumericalError: the flow's points are not finite.
    """
    check_samples(n, path)
    write = FORMATS[path.suffix.lower()]

    def fill(temporary: Path) -> None:
        with temporary.open("wb") as file:
            write(file, n, _blocks(flow, target, n, seed))

    write_atomically(path, fill)


@torch.no_grad()
def _blocks(flow: Flow, target: GaussianMixture, n: int, seed: int) -> Blocks:
    """Yields n points in blocks."""
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
        np.savetxt(file, block, fmt="%.9g", delimiter=",")  # nine digits are as exact as the .npy file


FORMATS: Table[Writer] = Table(SAMPLE_SUFFIXES, {".npy": _write_npy, ".csv": _write_csv})
