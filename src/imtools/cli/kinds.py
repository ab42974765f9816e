"""Commands with several kinds as subcommands: im-plot and im-export."""

from __future__ import annotations

from collections.abc import Mapping

import click


class KindGroup(click.Group):
    """A group that lists its kinds in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the kinds."""
        return list(self.commands)


def add_kinds(group: click.Group, kinds: Mapping[str, tuple[click.Command, str]]) -> None:
    """Add subcommands to a group.

    Parameters
    ----------
    group : click.Group
        The command.
    kinds : mapping of str to (click.Command, str)
        By name: the subcommand, and its summary for the help of the group.
    """
    for name, (kind, summary) in kinds.items():
        kind.short_help = summary
        group.add_command(kind, name)
