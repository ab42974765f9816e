"""Adding classes to a one-vs-all model: its nets stay as they are (Chen et al. 2024, section III)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import UsageError
from ..models.description import Description
from .base import Base


class Extended(Base):
    """A one-vs-all model that is to be extended."""

    def check_strategy(self) -> None:
        """Check that there is a net for each class."""
        if self.description.strategy != "one-vs-all":
            what = f"{self.folder}: one net knows all classes ({self.description.strategy})"
            raise UsageError(what, "only one-vs-all models can be extended")

    def with_classes(self, classes: Sequence[str]) -> list[str]:
        """Return the classes of the extended model: those of this one first.

        Raises
        ------
        UsageError
            If none is new.
        """
        new = [label for label in classes if label not in self.description.labels]
        if not new:
            what = f"{self.folder}: knows {', '.join(classes)} already"
            raise UsageError(what, "name a class that it does not know, with --classes")
        return [*self.description.labels, *new]

    def extended_by(self, description: Description) -> Description:
        """Return the description of the extended model: what this one says, and the new members."""
        own, new = self.description, len(description.labels) - len(self.description.labels)
        return replace(
            description,
            members=[*own.members, *description.members],
            thresholds=[*own.thresholds, *description.thresholds[-new:]],
            aggregation=own.aggregation,
            stereo=own.stereo,
            hop=own.hop,
        )
