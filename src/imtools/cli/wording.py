"""Messages of the library on the command line: parameters that they name become options.

Messages of the library name parameters in backticks, as a Python caller writes them: ```hop```,
```stereo=False```, and, of another command, ``im-predict with `windows` ``. Here they become ``--hop``,
``--mono`` and ``im-predict --windows``.
"""

from __future__ import annotations

import re

import click

_PARAMETER = re.compile(r"(?:\b(im-[a-z]+) with )?`(\w+)(?:=([^`]*))?`")


def with_options(text: str, command: click.Command | None) -> str:
    """Return a message in which the parameters are options.

    Parameters
    ----------
    text : str
        A message of the library.
    command : click.Command or None
        The command whose options the parameters are, unless another is named before them; ``None``: only
        those of named commands are replaced.

    Returns
    -------
    str
        The text; a name in backticks that is not a parameter of the command stays as it is.
    """

    def option(match: re.Match[str]) -> str:
        name, parameter, value = match.groups()
        owner = command if name is None else _command(name)
        written = _option(owner, parameter, value)
        return written if name is None else f"{name} {written}"

    return _PARAMETER.sub(option, text)


def _command(name: str) -> click.Command | None:
    from . import COMMANDS
    from . import command as load

    short = name.removeprefix("im-")
    return load(short) if short in COMMANDS else None


def _option(command: click.Command | None, parameter: str, value: str | None) -> str:
    own = [] if command is None else [one for one in command.params if one.name == parameter]
    if not own or not isinstance(own[0], click.Option):
        return parameter if value is None else f"{parameter}={value}"
    names = own[0].secondary_opts if value == "False" and own[0].secondary_opts else own[0].opts
    longest = max(names, key=len)
    return longest if value in (None, "True", "False") else f"{longest} {value}"
