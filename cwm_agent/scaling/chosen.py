"""Which sample of each issue a recipe chose, kept beside the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.errors import UsageError
from cwm_agent.scaling.selection.choice import Choice, Recipe, Step
from cwm_agent.scaling.table import Table
from cwm_agent.wording import counted
from results.files import read_record, write_record
from results.store import Run, folder_name

CHOICE_FILE = "choice.json"


@dataclass(frozen=True, slots=True)
class Chosen:
    """`sample` is None where no candidate changes anything; `of` counts the candidates.

    `probability` is how sure the recipe is, None where it does not say; `undecided`
    says what evidence would decide. `steps` are the rules that left candidates out.
    """

    instance: str
    recipe: str
    sample: int | None
    of: int
    tied: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    probability: float | None = None
    undecided: str = ""


def choose_all(
    run: Run, recipe: Recipe, tables: Sequence[Table], *, keep: bool = True
) -> list[Chosen]:
    """Choose in every table, and on `keep` write each choice down; raises RunFolderError."""
    select = recipe.make(tables)
    found = [_chosen(recipe, table, select(table)) for table in tables]
    for chosen in found if keep else ():
        write_record(_path(run, chosen.instance), chosen)
    return found


def chosen_samples(run: Run) -> dict[str, int]:
    """The chosen sample of each issue that has a choice; raises UsageError without any."""
    paths = sorted(run.folder.glob(f"*/{CHOICE_FILE}"))
    read = [chosen for path in paths if (chosen := read_record(Chosen, path)) is not None]
    if not read:
        raise UsageError(
            f"nothing was chosen in run {run.name}; choose with `cwm-agent select {run.name}`, or "
            "start a run with --select"
        )
    return {chosen.instance: chosen.sample for chosen in read if chosen.sample is not None}


def reasons(chosen: Chosen) -> list[str]:
    """Why, in lines for people."""
    if chosen.sample is None:
        return [f"{chosen.instance}: none of {counted(chosen.of, 'sample')} changes anything"]
    sure = (
        "" if chosen.probability is None else f", right with probability {chosen.probability:.2f}"
    )
    lines = [f"{chosen.instance}: sample {chosen.sample} of {chosen.of} by {chosen.recipe}{sure}"]
    for step in chosen.steps:
        lines.append(f"  {step.rule}: kept {_listed(step.kept)}; out {_listed(step.removed)}")
    if len(chosen.tied) > 1:
        lines.append(f"  {_listed(chosen.tied)} are equal by the evidence: a tie-break decided")
    if chosen.undecided:
        lines.append(f"  undecided: {chosen.undecided}")
    return lines


def _listed(samples: Sequence[str]) -> str:
    return ", ".join(samples)


def _chosen(recipe: Recipe, table: Table, choice: Choice) -> Chosen:
    sample = None if choice.chosen is None else table.by_id[choice.chosen].sample
    return Chosen(
        table.instance,
        recipe.name,
        sample,
        len(table.candidates),
        choice.tied,
        choice.steps,
        choice.probability,
        choice.undecided,
    )


def _path(run: Run, instance: str) -> Path:
    return run.folder / folder_name(instance) / CHOICE_FILE
