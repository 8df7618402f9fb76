"""What to run: a YAML file -> Suite, with file and line in every complaint."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)

from harness.errors import Misuse, did_you_mean
from harness.yaml_lines import complaints, load

PACKAGED = Path(__file__).parent / "suites"
DEFAULT = "quick"

Size = int | Literal["all"]


class Frozen(BaseModel):
    """Strict and unchangeable: an unknown key is an error, not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Wish(Frozen):
    """A plugin by name, with the parameters that differ from its defaults.

    Attributes
    ----------
    called
        What the board calls it, in place of the name and every parameter that is not the default.
    sweep
        Parameter -> values: one wish for every combination of them.
    weights
        For a model: a folder of published weights, relative to the suite's file.
    sizes, corpora
        For a sampler: in place of those of the suite.
    """

    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    called: str = ""
    sweep: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)
    weights: Path | None = None
    sizes: tuple[Size, ...] = ()
    corpora: tuple[str, ...] = ()

    @field_serializer("weights")
    def _folder_name(self, weights: Path | None) -> str | None:
        """Keep the path to this machine: what is written down names the folder alone."""
        return weights.name if weights else None

    @model_validator(mode="after")
    def _fixed_or_swept(self) -> Wish:
        if both := sorted(set(self.parameters) & set(self.sweep)):
            raise ValueError(f'"{both[0]}" stands in the parameters and in the sweep; one of both is enough')
        return self

    def spread(self) -> list[Wish]:
        """Return one wish without a sweep for every combination of its values."""
        swept = [dict(zip(self.sweep, values, strict=True)) for values in product(*self.sweep.values())]
        return [
            self.model_copy(
                update={"parameters": self.parameters | values, "sweep": {}, "called": self._called(values)}
            )
            for values in swept
        ]

    def _called(self, values: dict[str, Any]) -> str:
        inside = ", ".join(f"{name}={value}" for name, value in values.items())
        return f"{self.called}({inside})" if self.called and inside else self.called

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Training(Frozen):
    """The budget of every fit: either the same number of steps or of epochs at all sizes."""

    steps: int | None = Field(default=None, gt=0)
    epochs: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_of_both(self) -> Training:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("a budget names either steps or epochs")
        return self


class Suite(Frozen):
    """One grid of jobs.

    Attributes
    ----------
    name, about
        How people call it and what it is for; a board is made per suite name.
    catalogues
        Catalogues by name (packaged, or shipped by a plugin's package), searched in this order after
        those given on the command line.
    corpora, datasets, models, samplers, tasks
        Names; models, samplers and tasks may be ``{name: ..., parameters: {...}, sweep: {...}}``.
    sizes
        Cells drawn from a corpus; ``all`` = every cell that is not left out. The untrained control is
        always run and is not listed.
    evaluation_cells
        At most this many cells of every data set, always the same ones.
    seeds
        Each seed repeats the sampling and the training.
    budget
        ``{steps: N}`` or ``{epochs: N}``.
    timeout
        Seconds after which a job is stopped.
    memory
        Resident memory in GiB that a worker and its children may hold.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    about: str = ""
    catalogues: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    datasets: tuple[str, ...] = Field(min_length=1)
    models: tuple[Wish, ...] = ()
    samplers: tuple[Wish, ...] = ()
    tasks: tuple[Wish, ...] = ()
    sizes: tuple[Size, ...] = ()
    evaluation_cells: int | None = Field(default=None, gt=0)
    seeds: tuple[int, ...] = (0,)
    budget: Training = Training(steps=300)
    precision: Literal["float32", "bfloat16"] = "float32"
    timeout: float = Field(default=1800, gt=0)
    memory: float = Field(default=8, gt=0)

    @field_validator("sizes")
    @classmethod
    def _no_zero(cls, sizes: tuple[Size, ...]) -> tuple[Size, ...]:
        for size in sizes:
            if size != "all" and size < 1:
                raise ValueError(
                    f"a size is a number of cells from 1, or all (got {size}); the untrained control, "
                    "size 0, is always run and is not listed"
                )
        return sizes

    @field_validator("models", "samplers", "tasks")
    @classmethod
    def _spread(cls, wishes: tuple[Wish, ...]) -> tuple[Wish, ...]:
        return tuple(one for wish in wishes for one in wish.spread())

    @model_validator(mode="after")
    def _each_its_own(self) -> Suite:
        """Refuse weights of anything but models, and sizes of anything but samplers."""
        for what, owner, others in (
            ("weights", "model", (*self.samplers, *self.tasks)),
            ("sizes", "sampler", (*self.models, *self.tasks)),
            ("corpora", "sampler", (*self.models, *self.tasks)),
        ):
            if found := [wish.name for wish in others if getattr(wish, what)]:
                raise ValueError(f'"{found[0]}" cannot have {what}; a {owner} can')
        for wish in self.samplers:
            self._no_zero(wish.sizes)
        kinds: tuple[tuple[Wish, ...], ...] = (self.models, self.samplers, self.tasks)
        for wishes in kinds:
            named = [wish.called for wish in wishes if wish.called]
            for wish in wishes:
                taken = [*named, *(other.name for other in wishes if other.name != wish.name)]
                if wish.called and taken.count(wish.called) > 1:
                    raise ValueError(f'two are called "{wish.called}"; the board could not tell them apart')
        return self

    @field_validator("sizes", "seeds", "datasets", "corpora")
    @classmethod
    def _no_repeats(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(values)) < len(values):
            raise ValueError(f"every value may stand once (got {', '.join(map(str, values))})")
        return values

    @property
    def all_corpora(self) -> tuple[str, ...]:
        """The corpora of the suite, and those that a sampler has to itself."""
        return tuple(
            dict.fromkeys([*self.corpora, *(name for wish in self.samplers for name in wish.corpora)])
        )

    def everything(self, models: Iterable[str], samplers: Iterable[str], tasks: Iterable[str]) -> Suite:
        """Return the suite with these plugins added where it does not name them already."""
        return self.model_copy(
            update={
                "models": _joined(self.models, models),
                "samplers": _joined(self.samplers, samplers),
                "tasks": _joined(self.tasks, tasks),
            }
        )

    def narrowed(self, **wanted: tuple[Any, ...] | None) -> Suite:
        """Return the suite with whole fields replaced: ``narrowed(models=("pca",), sizes=(100,))``.

        A plugin that the suite names keeps the suite's parameters; any other comes with its defaults.
        """
        update: dict[str, Any] = {}
        for field, values in wanted.items():
            if values is None:
                continue
            if field in ("models", "samplers", "tasks"):
                known = getattr(self, field)
                update[field] = tuple(
                    wish
                    for name in values
                    for wish in ([w for w in known if w.name == name] or [Wish(name=name)])
                )
            else:
                update[field] = tuple(values)
        if "sizes" in update:  # in place of those that samplers have to themselves too
            samplers = update.get("samplers", self.samplers)
            update["samplers"] = tuple(wish.model_copy(update={"sizes": ()}) for wish in samplers)
        return Suite.model_validate({**dict(self), **update})

    def beside(self, folder: Path) -> Suite:
        """Return the suite with the folders of weights found from this one."""
        found = [
            wish.model_copy(update={"weights": folder / wish.weights}) if wish.weights else wish
            for wish in self.models
        ]
        return self.model_copy(update={"models": tuple(found)})


def _joined(wishes: tuple[Wish, ...], names: Iterable[str]) -> tuple[Wish, ...]:
    named = {wish.name for wish in wishes}
    return wishes + tuple(Wish(name=name) for name in names if name not in named)


def packaged_suites() -> dict[str, Path]:
    """Return the suites that come with the harness, by name."""
    return {path.stem: path for path in sorted(PACKAGED.glob("*.yaml"))}


def find_suite(name_or_path: str) -> Path:
    """Return the file of a suite given by packaged name or by path.

    Raises
    ------
    Misuse
        Neither is there.
    """
    packaged = packaged_suites()
    if name_or_path in packaged:
        return packaged[name_or_path]
    path = Path(name_or_path)
    if path.is_file():
        return path
    raise Misuse(
        f'there is no suite "{name_or_path}": neither a file nor a packaged suite.'
        + did_you_mean(name_or_path, list(packaged))
    )


def read_suite(path: Path) -> Suite:
    """Read a suite.

    Raises
    ------
    Misuse
        With all complaints, each with file and line.
    """
    data, lines = load(path)
    try:
        return Suite.model_validate(data).beside(path.absolute().parent)
    except ValidationError as error:
        raise Misuse("\n".join(complaints(path, error, lines, Suite.model_fields))) from None
