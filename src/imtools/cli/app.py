"""What makes a command of a function: its options, its environment variables, and its run.

Only click is imported at module level, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from .. import __version__
from ..errors import UsageError
from .options import audio_format, common_options, stretcher, windows_at_once
from .process import running, start, wants_color

__all__ = ["audio_format", "start", "stretcher", "tool", "wants_color", "windows_at_once"]

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_SHARED_NAMES = (
    "inputs", "output", "resume", "force", "failures", "strict", "jobs", "seed", "device", "precision",
    "dry_run", "null", "where", "shard", "engine", "scheduler", "quiet", "verbose", "color",
)  # fmt: skip
_NOT_REPLAYED = (
    "resume", "force", "dry_run", "quiet", "verbose", "color", "failures", "strict", "engine", "scheduler",
)  # fmt: skip


def tool(
    name: str,
    *,
    output: str | None = None,
    inputs: bool = True,
    per_item: bool = True,
    seed: bool = False,
    device: bool = False,
    shard: bool = False,
    spread: bool = False,
    own_output: bool = False,
    formats: tuple[str, ...] = (),
    content: dict[str, str] | None = None,
    epilog: str = "",
) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command of a function ``f(run, **own_options)``.

    Parameters
    ----------
    name : str
        ``"im-segment"``.
    output : str, optional
        Help of ``-o``; without it the command has none.
    inputs : bool
        Whether it takes ``INPUT...``, and with it the options about records.
    per_item : bool
        Whether it can take NUL-separated paths on standard input.
    seed, device : bool
        Whether it offers ``--seed``, and ``--device`` with ``--precision``.
    shard, spread : bool
        Whether it offers ``--shard``, and ``--engine`` with ``--scheduler``.
    own_output : bool
        Whether it keeps its output directory itself.
    formats : tuple of str
        Its options that change how a result is shown, but not the result.
    content : dict of str to str
        Its options that name a directory, each with the file in it whose content identifies the directory.
    epilog : str
        Examples, one command a line, shown at the end of the help.
    """

    def decorate(function: Callable[..., None]) -> click.Command:
        def callback(**values: Any) -> None:
            running.command = command
            _run(name, function, values, own_output, formats, content or {})

        callback.__doc__ = function.__doc__
        command: click.Command = click.command(
            name, context_settings=_CONTEXT, epilog="\b\nExamples:\n" + _indented(epilog) if epilog else None
        )(callback)
        own = list(reversed(getattr(function, "__click_params__", [])))
        holder = _collect(
            common_options(
                output=output,
                inputs=inputs,
                per_item=inputs and per_item,
                seed=seed,
                device=device,
                shard=shard,
                spread=spread,
            )
        )
        arguments = [click.Argument(["inputs"], nargs=-1, metavar="[INPUT]...")] if inputs else []
        command.params = [*arguments, *own, *holder]
        _name_variables(command)
        return command

    return decorate


def _collect(decorators: list[Any]) -> list[click.Parameter]:
    """Return the parameters that a list of click decorators defines."""

    def holder() -> None: ...

    for decorator in reversed(decorators):
        decorator(holder)
    return list(reversed(holder.__click_params__))  # type: ignore[attr-defined]


def _name_variables(command: click.Command) -> None:
    """Give each option its environment variable: ``IMTOOLS_`` and its long name."""
    for param in command.params:
        long = next((option for option in param.opts if option.startswith("--")), None)
        if long not in (None, "--version", "--config") and param.envvar is None:
            param.envvar = "IMTOOLS_" + long[2:].replace("-", "_").upper()


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines())


def _run(
    name: str,
    function: Callable[..., None],
    values: dict[str, Any],
    own_output: bool,
    formats: tuple[str, ...],
    content: dict[str, str],
) -> None:
    from ..models.locate import locate
    from ..parallel import default_jobs
    from ..run import Options, Run
    from ..run.settings import content_digest

    arguments = {key: value for key, value in values.items() if key not in _NOT_REPLAYED}
    arguments["inputs"] = list(values.get("inputs", ()))
    shared = {key: values[key] for key in _SHARED_NAMES if values.get(key) is not None}
    own = {key: value for key, value in values.items() if key not in _SHARED_NAMES}
    shared["jobs"] = shared.get("jobs") or default_jobs()
    shared["color"] = wants_color(values.get("color"))
    if "resume" in values and shared.get("output") is None and (values["resume"] or values["force"]):
        raise UsageError("--resume and --force concern an output directory", "name it with -o")
    if values.get("engine") == "local" and _was_typed("scheduler"):
        raise UsageError("--scheduler names a cluster", "add --engine dask to work there")
    options = Options(**shared, arguments=arguments, worded=running.worded)
    running.quiet, running.verbose = options.quiet, options.verbose
    if not options.inputs and "inputs" in values and sys.stdin.isatty():
        click.echo(f"{name}: reading a manifest from the terminal (end it with Ctrl-D)", err=True)
    params = {key: value for key, value in own.items() if key not in formats}
    for key, file in content.items():
        if isinstance(params[key], tuple):
            params[key] = [content_digest(str(locate(path)), file) for path in params[key]]
        elif params[key] is not None:
            params[key] = content_digest(str(locate(params[key])), file)
    for key in ("device", "precision"):
        if key in values:
            params[key] = values[key]
    try:
        with Run(name, __version__, options, params, own_output=own_output) as run:
            function(run, **own)
    except BrokenPipeError:  # here, because click would turn it into an exit code of its own
        raise SystemExit(141) from None
    if run.exit_code:
        raise SystemExit(run.exit_code)


def _was_typed(name: str) -> bool:
    """Return whether an option stands on the command line, rather than in the environment."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE
