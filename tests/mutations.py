"""Damages bytes as files are damaged, or made by those who look for faults; the same seed gives the same bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator

# Numbers at which readers go wrong.
ODD = (
    b"\0",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0\0\0\0",
    b"\x01\0\0\0",
    b"\0\0\0\x01",
)


def mutated(content: bytes, number: int, seed: int = 0) -> Iterator[bytes]:
    """Yields a number of damaged versions of a file's content."""
    chance = random.Random(seed)
    for _ in range(number):
        data = bytearray(content)
        for _ in range(chance.choice((1, 1, 2, 4, 16))):
            _damage(data, chance)
        yield bytes(data)


def _damage(data: bytearray, chance: random.Random) -> None:
    # Heads decide how the rest is read, so half of the damage is done there.
    place = chance.randrange(max(1, min(len(data), 200) if chance.random() < 0.5 else len(data)))
    length = chance.choice((1, 2, 4, 8, 64))
    kind = chance.randrange(6)
    if kind == 0:
        data[place : place + 1] = bytes([chance.randrange(256)])
    elif kind == 1:
        odd = chance.choice(ODD)
        data[place : place + len(odd)] = odd
    elif kind == 2:
        del data[place : place + length]
    elif kind == 3:
        data[place:place] = data[place : place + length]
    elif kind == 4:
        data[place:place] = chance.randbytes(length)
    else:
        del data[place:]
