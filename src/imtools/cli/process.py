"""A command as a process: signals, warnings, messages on standard error, and exit codes."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from dataclasses import dataclass
from typing import NoReturn

import click

from ..errors import ImtoolsError, ImtoolsWarning, UsageError


@dataclass
class Running:
    """The command that this process runs, and how much it prints: known once its options are parsed."""

    command: click.Command | None = None
    quiet: bool = False
    verbose: bool = False

    def worded(self, text: str) -> str:
        """Return a message of the library with the options of this command."""
        from .wording import with_options

        return with_options(text, self.command)


running = Running()
"""The command of this process."""


def wants_color(choice: bool | None) -> bool:
    """Return whether colour may be used: the option, else the setting of the environment."""
    if choice is not None:
        return choice
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def start(command: click.Command, arguments: list[str] | None = None, program: str | None = None) -> NoReturn:
    """Run a command and end the process: set up signals, warnings and messages, and exit with its code.

    Parameters
    ----------
    command : click.Command
        What to run.
    arguments : list of str, optional
        Its arguments; by default those of the process.
    program : str, optional
        The name to show in messages; by default that of the command.
    """
    import signal
    import warnings

    prog = program or command.name or "im"

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if issubclass(category, ImtoolsWarning) and not running.quiet:
            click.echo(f"{prog}: warning: {running.worded(str(message))}", err=True)

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
        code = _complain(prog, running.worded(str(error)), 2)
    except ImtoolsError as error:
        code = _complain(prog, running.worded(str(error)), 1)
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
        hint = "free space or fix the path, then run again (with --resume if there was -o)"
        text = f"{name}{error.strerror or error}; {hint}"
        code = _complain(prog, text, 1)
    except Exception as error:
        if running.verbose:
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
    """Flush the streams and exit; a closed pipe causes no traceback."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError) as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or (141 if isinstance(error, BrokenPipeError) else 1)
    own_process = os.path.basename(sys.argv[0]).startswith("im") and not sys.getprofile()
    if "torch" not in sys.modules or not own_process:
        sys.exit(code)
    # Unloading torch takes the interpreter half a second, and everything is closed by now.
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError, AttributeError):  # there may be no standard error
        sys.stderr.flush()
    os._exit(code)
