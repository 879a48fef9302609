"""The table of a training's seconds."""

from __future__ import annotations

from tables.markdown import arithmetics, as_seconds, caption, figure, load, table

__all__ = ["budget"]

PARTS = (
    ("imports", "imports: torch, and 0.3 s of all else"),
    ("the target", "reading the picture, and its lattices"),
    ("the choice of the network", "choosing the grids, and placing the nodes"),
    ("training", "the training"),
    ("loss", "of it: waiting for points, velocities and the loss"),
    ("optimisers", "of it: optimisers"),
    ("gradients and the rest", "of it: gradients, their clipping, the average of the weights, records"),
    ("draws, in their own thread", "meanwhile: draws of points and their exact velocities, in a second thread"),
    ("the closing gap", "the gaps at checkpoints and at the end"),
    ("all", "all"),
)


def budget() -> str:
    """Returns the seconds of each part of a default training, and those of its matrix products alone."""
    content = load("budget")
    name = arithmetics(content)[0]
    pictures = [row["key"]["picture"] for row in content["rows"] if row["key"]["arithmetic"] == name]

    def cells(*path: str) -> list[str]:
        return [as_seconds(figure(content, path, picture=picture, arithmetic=name)) for picture in pictures]

    rows = [[words, *cells("parts", part)] for part, words in PARTS]
    rows.append(["the steps' matrix products alone", *cells("products")])
    steps = [f"{figure(content, ('steps',), picture=picture, arithmetic=name):.0f}" for picture in pictures]
    rows.append(["steps", *steps])
    return f"{table(['seconds', *pictures], rows)}\n\n{caption(content)}"
