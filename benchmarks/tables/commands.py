"""The tables of whole commands: ``commands``, ``targets``, ``startup``, ``memory`` and ``limits``."""

from __future__ import annotations

from typing import Any

from common.results import find, median

from tables.markdown import arithmetics, as_gap, as_megabytes, as_seconds, caption, load, table

__all__ = ["accelerator", "commands", "experiments", "limits", "memory", "other_machine", "startup", "targets"]

DESCRIPTIONS = {
    "cat": "cat, a silhouette of 400x400",
    "balloon": "balloon, a coloured logo",
    "gears": "gears, holes and separate parts",
    "wordmark": "wordmark",
    "banner": "banner, 4:1, transparent",
    "bicycle": "bicycle, thin line art",
    "star": "star with a hole, held out",
    "bird": "bird, a silhouette, held out",
    "rings": "three thin rings, held out",
    "hatched": "hatched shapes, held out",
    "branch": "branch, a line drawing, held out",
}


def _headed(content: dict[str, Any], head: list[str], lines: list[list[str]]) -> str:
    """Returns a table with its caption; the column of the arithmetic is left out where there is only one."""
    if len(arithmetics(content)) == 1:
        head, lines = head[:-1], [line[:-1] for line in lines]
    return f"{table(head, lines)}\n\n{caption(content)}"


def commands(part: str = "commands") -> str:
    """Returns the table of the three commands on every picture."""
    content = load(part)
    lines: list[list[str]] = []
    for row in content["rows"]:
        files = [as_megabytes(median(row, style, "megabytes_of_file")) for style in ("points", "density")]
        times = {
            name: as_seconds(median(row, name, "seconds")) + " s" for name in ("train", "points", "density", "eval")
        }
        lines.append(
            [
                DESCRIPTIONS[row["key"]["picture"]],
                times["train"],
                as_gap(median(row, "eval", "gap")),
                times["points"],
                files[0],
                times["density"],
                files[1],
                times["eval"],
                row["key"]["arithmetic"],
            ]
        )
    head = ["picture", "train", "gap, nats", "animate", "file", "`--style density`", "file", "eval", "arithmetic"]
    return _headed(content, head, lines)


def other_machine() -> str:
    """Returns the same table, measured on a machine with more instructions."""
    return commands("other-machine/commands")


def accelerator() -> str:
    """Returns the table of trainings on an accelerator."""
    content = load("accelerator")
    lines = [
        [
            row["key"]["training"],
            row["key"]["title"],
            as_seconds(median(row, "training_seconds")),
            as_seconds(median(row, "seconds")),
            as_gap(median(row, "eval", "gap")),
            row["key"]["arithmetic"],
        ]
        for row in content["rows"]
    ]
    head = ["training", "device", "seconds of training", "seconds of the command", "gap, nats", "arithmetic"]
    return _headed(content, head, lines)


def targets() -> str:
    """Returns the tables of the part ``targets``."""
    content = load("targets")
    within = [
        [
            " ".join([row["key"]["picture"], *([f"`{row['key']['options']}`"] if row["key"]["options"] else [])]),
            as_seconds(median(row, "seconds")),
            as_gap(median(row, "eval", "gap")),
            f"{median(row, 'steps'):.0f}",
            row["key"]["arithmetic"],
        ]
        for row in find(content, kind="within")
    ]
    busy = [
        [
            row["key"]["command"],
            as_seconds(median(row, "free", "seconds")),
            as_seconds(median(row, "busy", "seconds")),
            f"{median(row, 'ratio'):.2f}",
            row["key"]["arithmetic"],
        ]
        for row in find(content, kind="busy")
    ]
    single = [
        ["the three commands of `make demo`", as_seconds(median(row, "seconds")), row["key"]["arithmetic"]]
        for row in find(content, kind="demo")
    ] + [
        [
            f"`log_prob` of 100 000 points, threads: {row['key']['threads']}",
            as_seconds(median(row, "log_prob_seconds")),
            row["key"]["arithmetic"],
        ]
        for row in find(content, kind="log_prob")
    ]
    parts = [
        ("Gap after so many seconds of the whole command `train`:", ["what", "seconds", "gap, nats", "steps"], within),
        (
            "Beside a program that keeps one of the cores busy, on the cat:",
            ["command", "free, s", "beside it, s", "ratio"],
            busy,
        ),
        ("Also:", ["what", "seconds"], single),
    ]
    one = len(arithmetics(content)) == 1
    tables = [
        f"{title}\n\n{table(head if one else [*head, 'arithmetic'], [line[:-1] for line in lines] if one else lines)}"
        for title, head, lines in parts
        if lines
    ]
    return "\n\n".join([*tables, caption(content)])


def startup() -> str:
    """Returns the table of start-up."""
    content = load("startup")
    names = {"command": "`flowgif {}`", "import": "`python -c 'import {}'`"}
    lines = [
        [
            "`python -c pass`"
            if row["key"]["what"] == "nothing"
            else "a training of one step on the cat"
            if row["key"]["what"].startswith("train")
            else names[row["key"]["kind"]].format(row["key"]["what"]),
            as_seconds(median(row, "seconds")),
            as_megabytes(median(row, "megabytes")),
            row["key"]["arithmetic"],
        ]
        for row in content["rows"]
    ]
    return _headed(content, ["what", "seconds", "peak memory", "arithmetic"], lines)


def memory() -> str:
    """Returns the table of peak memory."""
    content = load("memory")
    lines = [[*_cost(row), row["key"]["arithmetic"]] for row in content["rows"]]
    return _headed(content, ["command, on the cat", "peak memory", "time", "arithmetic"], lines)


def limits() -> str:
    """Returns the table of the commands at the limits of what they take."""
    content = load("limits")
    lines = [
        [*_cost(row), f"{as_seconds(median(row, 'silence'))} s", row["key"]["arithmetic"]] for row in content["rows"]
    ]
    return _headed(content, ["command", "peak memory", "time", "longest silence", "arithmetic"], lines)


def _cost(row: dict[str, Any]) -> list[str]:
    return [row["key"]["command"], as_megabytes(median(row, "megabytes")), f"{as_seconds(median(row, 'seconds'))} s"]


def experiments() -> str:
    """Returns the table of the configs; its seconds are those of training alone."""
    content = load("experiments")
    lines = [
        [
            f"`{row['key']['config']}`",
            f"{median(row, 'steps'):.0f}",
            f"{median(row, 'training_seconds'):.0f}",
            f"{as_gap(median(row, 'eval', 'gap'))} (se {as_gap(median(row, 'eval', 'gap_se'))})",
            row["key"]["arithmetic"],
        ]
        for row in content["rows"]
    ]
    return _headed(content, ["config", "steps", "seconds", "gap, nats", "arithmetic"], lines)
