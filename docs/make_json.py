"""Makes the tables of docs/json.md and the files of docs/schema/ anew: ``make json``.

Both follow from the models of ``flowgif.cli.answers.models``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flowgif.cli.answers.models import ANSWERS

DOCS = Path(__file__).parent
PAGE = DOCS / "json.md"
BLOCK = re.compile(r"(<!-- json:(\w+) -->\n).*?(<!-- /json -->)", re.DOTALL)
DIALECT = "https://json-schema.org/draft/2020-12/schema"
WORDS = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "null": "null",
    "object": "object",
}


def schema_of(name: str) -> dict[str, Any]:
    """Returns the JSON Schema of an answer."""
    return {"$schema": DIALECT, **ANSWERS[name].model_json_schema()}


def schema_files() -> dict[Path, str]:
    """Returns the files of docs/schema/ with what belongs into them."""
    return {
        DOCS / "schema" / f"{name}.json": json.dumps(schema_of(name), indent=2, ensure_ascii=False) + "\n"
        for name in ANSWERS
    }


def render(page: str) -> str:
    """Returns the page with its tables made anew."""
    return BLOCK.sub(lambda found: f"{found[1]}{_table(schema_of(found[2]))}{found[3]}", page)


def rows(schema: dict[str, Any], definitions: dict[str, Any], before: str = "") -> Iterator[tuple[str, str, str]]:
    """Yields name, type and meaning of each field; those of an object within stand behind its name and a dot."""
    for name, field in schema["properties"].items():
        kind, within = _kind(field, definitions)
        yield before + name, kind, field["description"]
        if within is not None:
            yield from rows(within, definitions, f"{before}{name}{'[]' if 'items' in field else ''}.")


def _kind(field: dict[str, Any], definitions: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """Returns the type of a field in words, and the schema of the object, or of the list's objects, that it holds."""
    if "$ref" in field:
        return "object", definitions[field["$ref"].rpartition("/")[2]]
    if "const" in field:
        return str(field["const"]), None
    if "anyOf" in field:
        return " or ".join(_kind(each, definitions)[0] for each in field["anyOf"]), None
    if field["type"] == "array":
        kind, within = _kind(field["items"], definitions)
        return {"text": "list of texts", "object": "list of objects"}[kind], within
    return WORDS[field["type"]], None


def _table(schema: dict[str, Any]) -> str:
    lines = [f"| `{name}` | {kind} | {meaning} |" for name, kind, meaning in rows(schema, schema.get("$defs", {}))]
    return "\n".join(["| field | type | meaning |", "|---|---|---|", *lines, ""])


def main() -> None:
    (DOCS / "schema").mkdir(exist_ok=True)
    for path, text in schema_files().items():
        path.write_text(text, "utf-8")
    PAGE.write_text(render(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
