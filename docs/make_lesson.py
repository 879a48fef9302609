"""Runs the lesson and keeps its outputs in it: ``make lesson`` (about a minute and a half).

Notebooks are run here without Jupyter. The code cells run one after another in one namespace; what they print, and the
value of their last line, is stored as Jupyter would store it. The same cells give the same file on the same machine.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LESSON = ROOT / "docs" / "lesson.ipynb"

Cell = dict[str, Any]


def read_notebook(path: Path) -> dict[str, Any]:
    """Returns a notebook, which is a JSON object (nbformat 4.5)."""
    return json.loads(path.read_text("utf-8"))


def code_cells(notebook: dict[str, Any]) -> list[Cell]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run_cells(cells: list[Cell]) -> Iterator[list[dict[str, Any]]]:
    """Runs code cells one after another in one namespace, in the current folder; yields the outputs of each."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(cells, 1):
        body = ast.parse("".join(cell["source"])).body
        name = f"<cell {cell['id']}>"
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        value = None
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(ast.Module(body, []), name, "exec"), namespace)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), name, "eval"), namespace)
        outputs: list[dict[str, Any]] = []
        if text := printed.getvalue():
            outputs.append({"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)})
        if value is not None:
            result = {"data": _bundle(value), "execution_count": number, "metadata": {}}
            outputs.append({**result, "output_type": "execute_result"})
        yield outputs


def _bundle(value: Any) -> dict[str, str]:
    """Returns what a notebook shows of a value, by MIME type."""
    if hasattr(value, "_repr_mimebundle_"):
        return value._repr_mimebundle_()
    shown = {"text/plain": repr(value)}
    return {"text/html": value._repr_html_(), **shown} if hasattr(value, "_repr_html_") else shown


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """Makes a temporary folder like docs/, beside one with the pictures, in which the lesson can leave its runs."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "imgs", Path(folder) / "imgs")
        docs = Path(folder) / "docs"
        docs.mkdir()
        with contextlib.chdir(docs):
            yield docs


def main() -> None:
    notebook = read_notebook(LESSON)
    cells = code_cells(notebook)
    with workplace():
        for number, (cell, outputs) in enumerate(zip(cells, run_cells(cells), strict=True), 1):
            cell["execution_count"], cell["outputs"] = number, outputs
            print(f"{number} of {len(cells)}: {cell['id']}", flush=True)
    LESSON.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{LESSON.relative_to(ROOT)}: {LESSON.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
