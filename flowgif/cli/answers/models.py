"""What ``--json`` prints: a model of each answer, of which ``docs/make_json.py`` makes the documents."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    SerializerFunctionWrapHandler,
    ValidationError,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic.json_schema import SkipJsonSchema

from flowgif.errors import NumericalError

__all__ = [
    "ANSWERS",
    "AnimateAnswer",
    "Answer",
    "BatchAnswer",
    "BatchRow",
    "CheckFigures",
    "EvalAnswer",
    "TrainAnswer",
    "WrittenFile",
]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("give a text")
    return value


# pydantic's own refuses what is no valid Unicode, as names of files may be. JSON can escape it.
Text = Annotated[str, PlainValidator(_text), WithJsonSchema({"type": "string"})]
Count = Annotated[int, Field(ge=0)]


def _as_printed(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Mends a model's JSON Schema: a default is printed too, and a field that may be left out is never null.

    Later versions may add fields, so readers must allow them; only what is printed is held to the fields there are.
    """
    schema.pop("additionalProperties", None)
    for field in schema["properties"].values():
        field.pop("default", None)
        field.pop("title", None)
    schema["required"] = [
        field.alias or name for name, field in model.model_fields.items() if not _may_lack(model, name)
    ]


def _may_lack(model: type[BaseModel], name: str) -> bool:
    field = model.model_fields[name]
    return not field.is_required() and field.default is None


class Entries(BaseModel):
    """An object in an answer. A field whose default is None is left out if it is None; any other may be null."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, json_schema_extra=_as_printed
    )

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_infinite(cls, values: Any, handler: ModelWrapValidatorHandler[Entries]) -> Entries:
        try:
            return handler(values)
        except ValidationError as error:
            for each in error.errors():
                if each["type"] == "finite_number":
                    place = ".".join(map(str, each["loc"]))
                    raise NumericalError(f"{place} is {each['input']}, which JSON cannot hold; train again") from None
            raise

    @model_serializer(mode="wrap")
    def _leave_out(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        lacking = {name for name in type(self).model_fields if _may_lack(type(self), name)}
        return {name: value for name, value in handler(self).items() if value is not None or name not in lacking}


class Answer(Entries):
    """The object that a command prints."""

    # It rises when a field is taken away, or gets another type or meaning, and not when a field is added.
    version: Literal[1] = Field(default=1, alias="schema", description="The version of this answer's schema.")

    def line(self) -> str:
        """Returns the answer as one line of JSON."""
        return json.dumps(self.model_dump(by_alias=True), allow_nan=False)


class TrainAnswer(Answer):
    """The answer of ``flowgif train``."""

    run: Text = Field(description="The run directory.")
    steps: Count = Field(
        description="The number of steps that the run has been trained, interrupted trainings included."
    )
    seconds: float = Field(description="The time that these steps took.")
    gap: float = Field(description="The gap of the stored weights, nats.")
    gap_se: float = Field(description="The standard error of the gap, nats.")


class WrittenFile(Entries):
    """A file that was written."""

    path: Text = Field(description="The path of the file, or of a folder of frames.")
    bytes: Count = Field(description="Its size; of a folder, that of its files together.")
    frames: Count = Field(description="The number of frames that it shows.")


class AnimateAnswer(Answer):
    """The answer of ``flowgif animate``."""

    run: Text = Field(description="The run directory; of several, the first.")
    gif: Text = Field(description="The path of the first file, whatever its format.")
    frames: Count = Field(description="The number of frames that were drawn. `--max-size` may leave a file fewer.")
    seconds: float = Field(description="How long the animation plays.")
    bytes: Count = Field(description="The size of the first file.")
    files: list[WrittenFile] = Field(description="All files: those of `-o` in their order, then posters.")
    snippet: Text | SkipJsonSchema[None] = Field(
        default=None, description="The HTML that shows the file. Only with `--snippet`."
    )


class CheckFigures(Entries):
    """What ``--check`` found."""

    integral: float = Field(description="The integral of the density over the plane, which should be 1.")
    integral_se: float = Field(description="Its standard error.")
    derivative: float = Field(
        description="The mean difference of the exact derivative of the log-density and an estimate, nats (for "
        "`ffjord`, nats per unit of time). It should be 0."
    )
    derivative_se: float = Field(description="Its standard error.")


class EvalAnswer(Answer):
    """The answer of ``flowgif eval``."""

    run: Text = Field(description="The run directory.")
    model: Text = Field(description="The kind of flow, a name of `--model`.")
    target: Text = Field(description="What was fitted: the path of the picture, the text, or the name of the data set.")
    nll: float = Field(description="The negative log-likelihood, nats.")
    nll_se: float = Field(description="Its standard error, nats.")
    entropy: float = Field(description="The entropy of the target, nats: the least possible NLL.")
    gap: float = Field(description="`nll` minus `entropy`, nats.")
    gap_se: float = Field(description="The standard error of the gap, nats.")
    bits_per_dim: float = Field(description="The NLL in bits for each of the two dimensions.")
    points: Count = Field(description="The number of points over which the NLL is averaged.")
    nfe: Count = Field(description="How often the network of the flow, or its layers, were evaluated at each point.")
    inversion_error: float = Field(description="The largest error of the inverse, data units.")
    seconds: float = Field(description="How long the evaluation took.")
    check: CheckFigures | SkipJsonSchema[None] = Field(
        default=None, description="What `--check` found. Only with `--check`."
    )
    plots: list[Text] | SkipJsonSchema[None] = Field(
        default=None, description="The paths of the plots. Only with `--plots`."
    )
    samples: Text | SkipJsonSchema[None] = Field(
        default=None, description="The path of the file with new points. Only with `--save-samples`."
    )


class BatchRow(Entries):
    """What became of one run, or of one picture, of a batch."""

    name: Text = Field(description="The name of the run.")
    run: Text | None = Field(description="The run directory; null if there is none.")
    files: list[Text] = Field(description="The paths of the files that were written for it.")
    gap: float | None = Field(description="The gap, nats; null if it was not measured.")
    gap_se: float | None = Field(description="The standard error of the gap, nats; null if it was not measured.")
    seconds: float | None = Field(description="How long it took; null if it was skipped or did not end.")
    skipped: bool = Field(description="Whether it was done already, so that nothing was to do.")
    error: Text | None = Field(description="The message of what went wrong; null if nothing did.")
    exit_code: int = Field(description="The exit code that the command has for it alone.")


class BatchAnswer(Answer):
    """The answer of a command that is given several pictures or runs."""

    rows: list[BatchRow] = Field(description="One object for each picture or run.")
    failed: Count = Field(description="The number of rows whose exit code is not 0.")
    seconds: float = Field(description="How long the whole command took.")


# Each has the name of its file in docs/schema/.
ANSWERS: dict[str, type[Answer]] = {
    "train": TrainAnswer,
    "animate": AnimateAnswer,
    "eval": EvalAnswer,
    "batch": BatchAnswer,
}
