"""``flowgif train``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowgif.cli.options import OUTPUT, Json, Quiet
from flowgif.cli.progress import Progress
from flowgif.errors import UnusableInput

if TYPE_CHECKING:
    from flowgif.config.schema import RunConfig

__all__ = ["train"]

TARGET, TRAINING = "What is fitted", "How it is fitted"


def train(
    img: Annotated[
        Path | None, typer.Option(help="A picture whose ink is fitted.", rich_help_panel=TARGET, show_default=False)
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="A data set: moons, circles, 8gaussians, ... in its place.", rich_help_panel=TARGET),
    ] = None,
    noise: Annotated[float | None, typer.Option(help="Its noise, in its own units.", rich_help_panel=TARGET)] = None,
    invert: Annotated[
        bool | None,
        typer.Option(
            "--invert/--no-invert",
            help="Light parts are the ink, or dark ones; by default the picture's border decides.",
            rich_help_panel=TARGET,
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="From 0 to 1: at least this much ink counts fully, less not at all.", rich_help_panel=TARGET),
    ] = None,
    max_side: Annotated[
        int | None,
        typer.Option(help="Shrink a larger picture to this many pixels (default: 1024).", rich_help_panel=TARGET),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A TOML file with these settings; flags win.", rich_help_panel=TRAINING)
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="The flow: ffjord (default), realnvp, glow or spline.", rich_help_panel=TRAINING),
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(help="flow-matching (ffjord's default) or likelihood.", rich_help_panel=TRAINING),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Number of steps (default: by objective).", rich_help_panel=TRAINING)
    ] = None,
    time_budget: Annotated[
        str | None, typer.Option(help="Train for this long instead: 30s, 2m, 1h.", rich_help_panel=TRAINING)
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Or for so many passes over --samples points.", rich_help_panel=TRAINING)
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(help="See only that many points of the target (likelihood).", rich_help_panel=TRAINING),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Points a step.", rich_help_panel=TRAINING)] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.", rich_help_panel=TRAINING)] = None,
    from_run: Annotated[
        Path | None,
        typer.Option("--from", help="Start from this run's weights (and its target).", rich_help_panel=TRAINING),
    ] = None,
    kinetic: Annotated[
        float | None, typer.Option(help="Weight of ffjord's kinetic energy (likelihood).", rich_help_panel=TRAINING)
    ] = None,
    jacobian: Annotated[
        float | None, typer.Option(help="Weight of ffjord's Jacobian norm (likelihood).", rich_help_panel=TRAINING)
    ] = None,
    divergence: Annotated[
        str | None, typer.Option(help="ffjord's: exact (default) or hutchinson (likelihood).", rich_help_panel=TRAINING)
    ] = None,
    l2: Annotated[
        float | None, typer.Option("--l2", help="Weight of the networks' squared weights.", rich_help_panel=TRAINING)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Same seed, same weights (default: 0).", rich_help_panel=TRAINING)
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto (default), cpu, cuda or mps.", rich_help_panel=TRAINING)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The run directory (default: runs/ and the picture's, data set's or config's name).",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the run that is there.", rich_help_panel=OUTPUT)
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that is there.", rich_help_panel=OUTPUT)
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit a flow to a picture or a data set; prints the run directory."""
    from flowgif.config.schema import read_config

    flags: dict[str, dict[str, Any]] = {
        "target": {
            "img": img, "data": data, "noise": noise, "invert": invert, "threshold": threshold, "max_side": max_side
        },
        "model": {"name": model, "divergence": divergence},
        "training": {
            "objective": objective, "steps": steps, "time_budget": time_budget, "epochs": epochs, "samples": samples,
            "batch_size": batch_size, "lr": lr, "kinetic": kinetic, "jacobian": jacobian, "l2": l2, "seed": seed,
            "device": device, "from": from_run,
        },
    }  # fmt: skip
    if resume:
        folder = out or _resumed_folder(img, data)
        settings = _settings_to_resume(folder, flags, config, force)
    else:
        settings = read_config(config, flags)
        target = settings.target
        folder = out or Path("runs") / _run_name(target.img, target.data, from_run, None if img or data else config)
    with Progress(quiet) as progress:
        progress.now("loading PyTorch ...")
        from flowgif import session

        if resume:
            trained = session.resume(folder, settings, progress)
        else:
            trained = session.train(settings, folder, force, progress)
        progress.say(
            f"{trained.steps} steps in {trained.seconds:.1f} s; gap {trained.gap.gap:.4f} nats "
            f"(standard error {trained.gap.standard_error:.4f}); now: flowgif animate {shlex.quote(str(folder))}"
        )
    if as_json:
        gap = {"gap": trained.gap.gap, "gap_se": trained.gap.standard_error}
        typer.echo(json.dumps({"run": str(folder), "steps": trained.steps, "seconds": trained.seconds, **gap}))
    else:
        typer.echo(str(folder))


def _run_name(img: Path | None, data: str | None, start: Path | None = None, config: Path | None = None) -> str:
    from flowgif.runs.directory import is_run

    if start is not None:
        return f"{start.resolve().name}-continued"
    if config is not None and not is_run(config.parent):
        return config.stem
    if img is not None and is_run(img.parent):
        return img.resolve().parent.name
    return (img.stem if img is not None else data) or "run"


def _resumed_folder(img: Path | None, data: str | None) -> Path:
    from flowgif.runs.directory import newest_run

    return Path("runs") / _run_name(img, data) if img is not None or data is not None else newest_run()


def _settings_to_resume(folder: Path, flags: dict[str, dict[str, Any]], config: Path | None, force: bool) -> RunConfig:
    """The run's own settings; options may repeat them, but change only how long and where it trains.

    Raises:
        UnusableInput: there is no run, or an option contradicts it.
    """
    from flowgif.config.schema import read_config

    if force or config is not None:
        other = "--force" if force else "--config"
        raise UnusableInput(f"--resume goes on with what the run's config says; leave {other} out")
    path = folder / "config.toml"
    if not path.is_file():
        raise UnusableInput(f"no run at {folder}; make one with: flowgif train --img PICTURE --out {folder}")
    stored = read_config(path, {}).model_dump(mode="json", by_alias=True)
    free = {key: flags["training"].pop(key) for key in ("steps", "time_budget", "epochs", "device")}
    for table, values in flags.items():
        for key, value in values.items():
            # A run has a copy of its picture, and remembers where that came from.
            before = _picture_source(folder) if key == "img" else stored[table].get(key)
            same = value == before or (isinstance(value, Path) and before and value.resolve() == Path(before).resolve())
            if value is not None and not same:
                raise UnusableInput(
                    f"{folder} was trained with {key} = {before}; --resume cannot change it: "
                    "leave that option out, or train anew (--force)"
                )
    return read_config(path, {"training": free})


def _picture_source(folder: Path) -> str | None:
    try:
        return json.loads((folder / "provenance.json").read_text("utf-8"))["picture"]["source"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # opening the run will say what is wrong with it
