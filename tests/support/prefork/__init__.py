"""Commands without the seconds that each would take to import torch, SciPy and imtools.

The tests start thousands of commands. A process that has imported what they need forks a child for each: the
child takes over the caller's environment and files, and runs the command's script from the first line to the
exit. A small program of the command's name stands for it, which passes signals on and ends as the child ends;
shells and ``subprocess`` find nothing unusual.

A command whose environment differs in a variable that Python or its libraries read when they are imported
(PYTHONHASHSEED, locale, numbers of threads) is started as usual, as are all where the system has no pidfd.
When coverage is measured, imtools is not imported beforehand.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
STARTING = (
    "PYTHON", "LC_", "LANG", "TZ", "HOME", "XDG_", "MPL", "OMP_", "OPENBLAS_", "MKL_", "LD_", "NUMBA_",
    "CUDA_",
)  # fmt: skip
"""The beginnings of the names of variables that matter before a command's first line."""


class Prefork:
    """A server of preforked commands, and a folder of programs that stand for them.

    Parameters
    ----------
    commands : Path
        The ``bin`` of an environment: its interpreter and the commands.
    folder : Path
        The folder of the programs, to be made.
    env : mapping
        The environment in which the tests start commands.

    Attributes
    ----------
    bin : Path
        The folder of the programs, for a PATH instead of ``commands``.
    """

    def __init__(self, commands: Path, folder: Path, env: dict[str, str]) -> None:
        self.bin, self._server = commands, None
        if not hasattr(os, "pidfd_open"):
            return
        folder.mkdir(parents=True)
        address = folder / "socket"
        python = commands / "python"
        measured = any(name.startswith("COVERAGE") for name in env)
        self._server = subprocess.Popen(
            [python, _HERE / "server.py", address, *([] if measured else ["imtools"])],
            env={name: value for name, value in env.items() if not name.startswith("COVERAGE")},
            stdin=subprocess.PIPE,  # closed when this process ends, however it does
            stdout=subprocess.PIPE,
            cwd="/",
        )
        assert self._server.stdout is not None
        if self._server.stdout.readline() != b"ready\n":
            raise RuntimeError("the server of preforked commands did not start")
        starting = {name: value for name, value in env.items() if name.startswith(STARTING)}
        for command in commands.iterdir():
            if command.name == "im" or command.name.startswith("im-"):
                program = folder / command.name
                settings = (str(address), str(command), STARTING, starting)
                program.write_text(
                    f"#!{sys.executable} -IS\nimport sys\nsys.path.insert(0, {str(_HERE)!r})\n"
                    f"import client\nclient.main(*{settings!r})\n"
                )
                program.chmod(0o755)
        self.bin = folder

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.communicate()
