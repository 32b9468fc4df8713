"""One file -> its crops, by whichever way its kind needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stream.faces.cascade import Cascade
from training.landmarks import OPTIONS, opened_cascade
from training.prepare.archive import harvest_archive
from training.prepare.footage import LIVE, harvest_footage
from training.prepare.item import Archive, Crop, Drop, Item
from training.prepare.settings import Settings


@dataclass(frozen=True, slots=True)
class Harvester:
    """The opened detectors: one set as it runs live, one for looking into crops."""

    live: Cascade
    close: Cascade
    settings: Settings

    def crops(
        self, item: Item, drops: list[Drop], step: Callable[[], None]
    ) -> Iterator[tuple[Crop, bytes]]:
        """Give each crop with its encoded picture; `step` is called for each part of the item.

        Raises: Unreadable; InferenceFailed.
        """
        if isinstance(item, Archive):
            yield from harvest_archive(item, self.close, drops, step)
        else:
            yield from harvest_footage(item, self.live, self.settings, drops)
            step()


@contextmanager
def opened_harvester(weights: Path, settings: Settings) -> Iterator[Harvester]:
    """Open the detector's networks in `weights`.

    Raises: EngineError.
    """
    with opened_cascade(weights, LIVE) as live, opened_cascade(weights, OPTIONS) as close:
        yield Harvester(live, close, settings)
