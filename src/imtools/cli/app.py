"""What all commands share on the command line: options, settings, messages and exit codes.

Only click is imported at module level, so that ``--help`` answers at once.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import click

from .. import __version__
from ..errors import ImtoolsError, ImtoolsWarning, UsageError

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_COMMON = "common options"


def _load_config(context: click.Context, _: click.Parameter, path: str | None) -> str | None:
    """Use the arguments of an earlier run as defaults (flags and environment still win)."""
    if path is not None:
        from ..run.settings import read_arguments

        context.default_map = read_arguments(path, context.command.name or "")
    return path


def _common_options(
    *, output: str | None, inputs: bool, per_item: bool, seed: bool, device: bool, shard: bool, spread: bool
) -> list[Any]:
    """Return the shared options that a command offers, with the same letters everywhere."""
    options: list[Any] = []
    if output is not None:
        options += [
            click.option("-o", "--output", metavar="DIR", help=output),
            click.option("--resume", is_flag=True, help="Go on with what an interrupted run left in DIR."),
            click.option(
                "--force", is_flag=True, help="Start over in DIR; files that are not made again stay."
            ),
        ]
    if inputs:
        options += [
            click.option(
                "--failures", metavar="FILE", help="Write a failure record for each bad item to FILE."
            ),
            click.option("--strict", is_flag=True, help="Stop at the first bad item."),
            click.option(
                "-j",
                "--jobs",
                type=click.IntRange(1),
                metavar="N",
                help="Worker threads (default: one a processor).",
            ),
        ]
    if seed:
        options.append(
            click.option("--seed", type=int, default=0, show_default=True, help="Seed of all random choices.")
        )
    if device:
        options += [
            click.option(
                "--device",
                default="auto",
                show_default=True,
                metavar="auto|cpu|cuda[:N]",
                help="Where to compute.",
            ),
            click.option(
                "--precision",
                type=click.Choice(["auto", "fp32", "bf16"]),
                default="auto",
                show_default=True,
                help="Arithmetic of the net. auto: fp32 on a CPU (im-train: bf16 if the CPU has it), "
                "bf16 on a GPU that has it.",
            ),
        ]
    options += [
        click.option("-n", "--dry-run", is_flag=True, help="Say what would be done; write nothing."),
        click.option(
            "--config",
            metavar="FILE",
            is_eager=True,
            expose_value=False,
            callback=_load_config,
            help="Take defaults from the run.json of an earlier run.",
        ),
    ]
    if inputs:
        options.append(
            click.option(
                "--where",
                multiple=True,
                metavar="KEY=VALUE",
                help="Take only records with this value (repeatable).",
            )
        )
    if shard:
        options.append(
            click.option(
                "--shard",
                metavar="I/N",
                help="Take every N-th item from the I-th on: N jobs, each with a DIR of its own, do all.",
            )
        )
    if spread:
        options += [
            click.option(
                "--engine",
                type=click.Choice(["local", "dask"]),
                default="local",
                show_default=True,
                help="Work on this machine, or on the workers of a dask cluster that see the same files.",
            ),
            click.option(
                "--scheduler",
                metavar="ADDRESS",
                help="The cluster's scheduler, such as tcp://HOST:8786, or the file that it wrote.",
            ),
        ]
    if per_item:
        options.append(
            click.option("-0", "--null", is_flag=True, help="Standard input holds NUL-separated paths.")
        )
    options += [
        click.option("-q", "--quiet", is_flag=True, help="No progress, no final line, no warnings."),
        click.option("-v", "--verbose", is_flag=True, help="Trace errors of the program itself."),
        click.option(
            "--color/--no-color", default=None, help="Force or forbid colour (NO_COLOR forbids it too)."
        ),
        click.version_option(__version__, message="%(prog)s %(version)s"),
    ]
    return options


audio_format = click.option(
    "--format",
    "fmt",
    type=click.Choice(["flac", "wav"]),
    default="flac",
    show_default=True,
    help="Audio format under -o: 24-bit FLAC (nothing above full scale), or 32-bit float WAV.",
)
"""The option of commands that write audio files."""

stretcher = click.option(
    "--stretcher",
    type=click.Choice(["auto", "rubberband", "signalsmith"]),
    default="auto",
    show_default=True,
    help="What stretches and shifts; auto shifts by rubberband where it is installed.",
)
"""The option of commands that stretch time or shift pitch."""

windows_at_once = click.option(
    "--batch",
    "batch_size",
    type=click.IntRange(1),
    default=128,
    show_default=True,
    metavar="N",
    help="Windows computed at once.",
)
"""The option of commands that score windows."""

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
        Its options that name a directory, and the file therein that tells one from another.
    epilog : str
        Examples, one command a line, shown at the end of the help.
    """

    def decorate(function: Callable[..., None]) -> click.Command:
        def callback(**values: Any) -> None:
            _running.command = command
            _run(name, function, values, own_output, formats, content or {})

        callback.__doc__ = function.__doc__
        command: click.Command = click.command(
            name, context_settings=_CONTEXT, epilog="\b\nExamples:\n" + _indented(epilog) if epilog else None
        )(callback)
        own = list(reversed(getattr(function, "__click_params__", [])))
        holder = _collect(
            _common_options(
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
    """Return the parameters that a list of click decorators stands for."""

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
        raise UsageError("--resume and --force speak of an output directory", "name it with -o")
    if values.get("engine") == "local" and _was_typed("scheduler"):
        raise UsageError("--scheduler names a cluster", "add --engine dask to work there")
    options = Options(**shared, arguments=arguments, worded=_running.worded)
    _running.quiet, _running.verbose = options.quiet, options.verbose
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
    except BrokenPipeError:  # here, because click would make an exit code of its own of it
        raise SystemExit(141) from None
    if run.exit_code:
        raise SystemExit(run.exit_code)


def _was_typed(name: str) -> bool:
    """Return whether an option stands on the command line, rather than in the environment."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


@dataclass
class _Running:
    """The command at work, and how much it is to print: known once its options are parsed."""

    command: click.Command | None = None
    quiet: bool = False
    verbose: bool = False

    def worded(self, text: str) -> str:
        """Return a message of the library with the options of this command."""
        from .wording import with_options

        return with_options(text, self.command)


_running = _Running()


def wants_color(choice: bool | None) -> bool:
    """Return whether colour may be used: the option, else what the environment asks for."""
    if choice is not None:
        return choice
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def start(command: click.Command, arguments: list[str] | None = None, program: str | None = None) -> NoReturn:
    """Run a command as a process does: settle signals, warnings, messages and the exit code."""
    import signal
    import warnings

    prog = program or command.name or "im"

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if issubclass(category, ImtoolsWarning) and not _running.quiet:
            click.echo(f"{prog}: warning: {_running.worded(str(message))}", err=True)

    def terminate(*_: object) -> NoReturn:
        raise SystemExit(128 + signal.SIGTERM)

    warnings.showwarning = show
    warnings.simplefilter("ignore")
    warnings.simplefilter("default", ImtoolsWarning)
    signal.signal(signal.SIGTERM, terminate)
    try:
        command.main(arguments, prog_name=prog, standalone_mode=False)
        sys.stdout.flush()
        code = 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except UsageError as error:
        code = _complain(prog, _running.worded(str(error)), 2)
    except ImtoolsError as error:
        code = _complain(prog, _running.worded(str(error)), 1)
    except (KeyboardInterrupt, click.Abort):
        code = _complain(prog, "interrupted", 130)
    except BrokenPipeError:
        code = 141
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except MemoryError:
        code = _complain(prog, "out of memory; use fewer --jobs or shorter segments", 1)
    except OSError as error:
        name = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        hint = "free space or mend the path, then run again (with --resume if there was -o)"
        text = f"{name}{error.strerror or error}; {hint}"
        code = _complain(prog, text, 1)
    except Exception as error:
        if _running.verbose:
            raise
        text = f"internal error: {type(error).__name__}: {error}; run again with -v for the trace"
        code = _complain(prog, text, 1)
    _leave(code)


def _complain(prog: str, text: str, code: int) -> int:
    safe = f"{prog}: {text}".replace("\n", "\\n").encode("utf-8", "backslashreplace").decode()
    with contextlib.suppress(BrokenPipeError):
        click.echo(safe, err=True)
    return code


def _leave(code: int) -> NoReturn:
    """Exit, flushing what can be flushed: a reader that has gone away is no reason for a traceback."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError) as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or (141 if isinstance(error, BrokenPipeError) else 1)
    own_process = os.path.basename(sys.argv[0]).startswith("im") and not sys.getprofile()
    if "torch" not in sys.modules or not own_process:
        sys.exit(code)
    # The interpreter takes half a second to take torch apart, and everything is closed by now.
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError, AttributeError):  # there may be no standard error
        sys.stderr.flush()
    os._exit(code)
