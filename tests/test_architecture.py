"""The walls of the house: who may import whom, where options are known, and which words are not used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from paths import ROOT

SOURCE = ROOT / "src"
FILES = sorted((SOURCE / "imtools").rglob("*.py"))
TEXTS = sorted(
    path
    for path in (SOURCE / "imtools").rglob("*")
    if path.suffix in (".py", ".js", ".html", ".css", ".md", ".json")
)
ABOVE = ("run", "stages", "cli")
"""The packages of the commands, lowest first; all others are the library."""

HEAVY = ("numpy", "scipy", "torch", "librosa", "soundfile", "soxr", "sklearn", "matplotlib", "fastapi")
"""What no command may import before its options are parsed, so that ``--help`` answers at once."""

EXTERNAL_OPTIONS = {
    "effects/stretch/rubberband.py": {"--pitchmap"},  # of rubberband
    "run/cluster.py": {"--scheduler-file"},  # of dask scheduler
}
"""Options of other programs, by the file that names them."""

OWN_WORDS = re.compile(r"\b(said|heard|told|teller|hear)\b", re.IGNORECASE)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
CUSTOM_PROPERTY = re.compile(r"var\(--[a-z-]+|--[a-z-]+\s*:")  # of CSS


def module_of(path: Path) -> str:
    """Return the dotted name of a file's module."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """Return the package or module right below imtools that a module belongs to."""
    return ".".join(module.split(".")[:2])


@dataclass(frozen=True)
class Import:
    """One import: from which module, of which one, in which line, and whether it is done on import."""

    importer: str
    imported: str
    line: int
    at_module_level: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


MODULES = {module_of(path): path for path in FILES}


def imports(module: str) -> Iterator[Import]:
    """Yield all imports of a module: also those in functions, and for type checkers."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]

    def visit(node: ast.AST, level: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            inside = level and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                inside = False
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(module, alias.name, child.lineno, inside)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    above = package.split(".")[: len(package.split(".")) - child.level + 1]
                    base = ".".join([*above, *([base] if base else [])])
                for alias in child.names:
                    whole = f"{base}.{alias.name}"
                    yield Import(module, whole if whole in MODULES else base, child.lineno, inside)
            yield from visit(child, inside)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), True)


IMPORTS = [one for module in MODULES for one in imports(module)]


def layer(module: str) -> int:
    """Return 0 for the library, and 1 to 3 for run, stages and cli."""
    name = room(module).removeprefix("imtools").lstrip(".")
    return ABOVE.index(name) + 1 if name in ABOVE else 0


def test_imports_go_downwards_only() -> None:
    ours = [one for one in IMPORTS if one.imported.split(".")[0] == "imtools"]
    assert len(ours) > 500, "imports were not found"
    wrong = [str(one) for one in ours if layer(one.imported) > layer(one.importer)]
    assert not wrong, "\n".join(wrong)


def test_packages_form_no_circle() -> None:
    needs: dict[str, set[str]] = {}
    for one in IMPORTS:
        if one.at_module_level and one.imported.startswith("imtools."):
            first, second = room(one.importer), room(one.imported)
            if first not in (second, "imtools"):
                needs.setdefault(first, set()).add(second)
    assert needs["imtools.manifest"] >= {"imtools.errors"}
    while free := {room for room, below in needs.items() if not below & needs.keys()}:
        needs = {room: below for room, below in needs.items() if room not in free}
    assert not needs, "packages that need each other are among: " + ", ".join(sorted(needs))


def test_help_needs_nothing_heavy() -> None:
    modules = [module for module in MODULES if room(module) == "imtools.cli"]
    script = (
        f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\nprint(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert {"click", "imtools.cli.train"} <= set(loaded.split())
    assert not set(HEAVY) & set(loaded.split()), "these take long to import"


def named_options(path: Path) -> list[str]:
    """Return the command-line options that a file names, with their lines."""
    allowed = EXTERNAL_OPTIONS.get(path.relative_to(SOURCE / "imtools").as_posix(), set())
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        options = OPTION.findall(CUSTOM_PROPERTY.sub("", line))
        found += [f"{path.relative_to(ROOT)}:{number}: {one}" for one in options if one not in allowed]
    return found


def test_only_the_commands_know_options() -> None:
    library = [path for path in FILES if layer(module_of(path)) < 2]
    wrong = [place for path in library for place in named_options(path)]
    assert not wrong, "\n".join(wrong)


def test_words_are_those_of_the_field() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in TEXTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if OWN_WORDS.search(line)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "importer", ["imtools", "imtools.api.model", "imtools.models.bundle", "imtools.errors"]
)
def test_the_library_is_below_the_commands(importer: str) -> None:
    assert (
        layer(importer) == 0 < layer("imtools.run.context") < layer("imtools.stages") < layer("imtools.cli")
    )
