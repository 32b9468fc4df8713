"""``python -m training search``: Optuna looks for a recipe's best numbers, by the AUC on *calib*.

The TOML file is a recipe with a table ``[search]``: `trials`, and ``[search.ranges]`` with, for a
key such as ``"network.dropout"``, ``{low, high}`` (and `log` or `step`) or ``{choices}``. Akiba et
al., "Optuna" (KDD 2019); trials are chosen by its TPE sampler and pruned at the median.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import optuna
import tomli_w

from training.checkpoint import read_checkpoint
from training.fitting.command import add_machine, machine_of
from training.fitting.errors import Stopped
from training.fitting.faces import Faces, faces_of, imagenet_weights
from training.fitting.journal import Watch
from training.fitting.recipe import Recipe
from training.fitting.run import Machine, fit_faces
from training.fitting.variant import split_off, varied

FOLDER: Final = "folder"
"""The trial's attribute that names its run's folder; a trial that goes on with it has the same."""
ENDED: Final = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)


@dataclass(frozen=True, slots=True)
class Search:
    """A recipe's body, and the values among which the best are looked for."""

    body: Mapping[str, Any]
    ranges: Mapping[str, Mapping[str, Any]]
    trials: int = 20

    def __post_init__(self) -> None:
        if not self.ranges or self.trials < 1:
            raise ValueError("[search] needs at least one range and one trial")
        for name, span in self.ranges.items():
            if not ({"choices"} == set(span) or {"low", "high"} <= set(span)):
                raise ValueError(f"the range of {name} needs choices, or low and high")

    @classmethod
    def load(cls, path: Path) -> Search:
        """Read a search from TOML.

        Raises: OSError, tomllib.TOMLDecodeError; TypeError and ValueError for what makes no sense.
        """
        body, table = split_off(tomllib.loads(path.read_text(encoding="utf-8")), "search")
        Recipe.parse(body)
        return cls(body, **table)

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """Give one value for each range; whole numbers where both ends are."""
        values: dict[str, Any] = {}
        for name, span in self.ranges.items():
            if "choices" in span:
                values[name] = trial.suggest_categorical(name, span["choices"])
            elif isinstance(span["low"], int) and isinstance(span["high"], int):
                values[name] = trial.suggest_int(name, **span)
            else:
                values[name] = trial.suggest_float(name, **span)
        return values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--config", type=Path, required=True, metavar="TOML")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_machine(parser)


def run(parsed: argparse.Namespace, data: Path) -> None:
    """Search, or go on with a search; print the best and write it as a recipe.

    Raises: as `training.fitting.run.fit`.
    """
    search = Search.load(parsed.config)
    machine, imagenet = machine_of(parsed), imagenet_weights(data)
    study = find_best(search, faces_of(data), imagenet, parsed.out, machine)
    print(f"best of {len(study.trials)} trials: calib AUC {study.best_value:.4f}")
    for name, value in study.best_params.items():
        print(f"  {name} = {value}")
    print(f"wrote {parsed.out / 'best.toml'}")


def find_best(
    search: Search, faces: Faces, imagenet: Path, out: Path, machine: Machine
) -> optuna.Study:
    """Run trials until there are enough, each in a folder of `out`; write `out`/best.toml.

    All is kept in `out`/search.db; trials that were interrupted are taken up first.

    Raises: as `training.fitting.run.fit_faces`.
    """
    out.mkdir(parents=True, exist_ok=True)
    study = open_study(out, Recipe.parse(search.body).seed)

    def trial_auc(trial: optuna.Trial) -> float:
        recipe = Recipe.parse(varied(search.body, search.suggest(trial)))
        folder = _folder(trial)
        try:
            finished = fit_faces(recipe, faces, imagenet, out / folder, machine, _pruner(trial))
        except Stopped:
            study.enqueue_trial(trial.params, user_attrs={FOLDER: folder})
            raise
        return float(read_checkpoint(finished)["facts"]["calib"]["auc"])

    while (left := search.trials - len(study.get_trials(states=ENDED))) > 0:
        study.optimize(trial_auc, n_trials=left)
    best = varied(search.body, study.best_params)
    (out / "best.toml").write_text(tomli_w.dumps(best), encoding="utf-8")
    return study


def open_study(out: Path, seed: int) -> optuna.Study:
    """Open the study in `out`, and queue again what was running when an earlier call was killed."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        study_name="search",
        storage=f"sqlite:///{out / 'search.db'}",
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1),
    )
    # Another seed for each call: the sampler would repeat its first proposals.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(trial.params, user_attrs={FOLDER: trial.user_attrs.get(FOLDER)})
    return study


def _pruner(trial: optuna.Trial) -> Watch:
    def watch(evaluation: int, auc: float) -> None:
        trial.report(auc, evaluation)
        if trial.should_prune():
            raise optuna.TrialPruned

    return watch


def _folder(trial: optuna.Trial) -> str:
    folder = trial.user_attrs.get(FOLDER) or f"trial-{trial.number:03}"
    trial.set_user_attr(FOLDER, folder)
    return str(folder)
