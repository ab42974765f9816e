"""Write the man pages from the commands themselves, or with --check say which ones have drifted.

Run it with the project's own Python: ``.venv/bin/python man/make.py [--check]``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click_man.core import generate_man_page

from imtools import __version__
from imtools.cli import COMMANDS, command, umbrella

HERE = Path(__file__).resolve().parent

DATE = "2026-11-20"
"""Fixed, so that pages change only when the commands do."""

EXIT_STATUS = """.SH EXIT STATUS
.TP
0
All is done.
.TP
1
A fatal error: a manifest that cannot be read, a full disk.
.TP
2
Wrong usage.
.TP
3
Some items failed (see \\fB\\-\\-failures\\fP); all others are done.
.TP
130
Interrupted.
.TP
141
The reader of standard output has gone away.
"""

ENVIRONMENT = """.SH ENVIRONMENT
Every option has a variable: \\fBIMTOOLS_\\fP and its name in capitals, such as \\fBIMTOOLS_JOBS\\fP for
\\fB\\-\\-jobs\\fP; the parameters of \\fBim\\-features\\fP have \\fBIMTOOLS_FEATURES_\\fP.
Options given win over the environment, which wins over \\fB\\-\\-config\\fP.
\\fBNO_COLOR\\fP and \\fBTERM=dumb\\fP forbid colour.
"""


def _see_also(name: str) -> str:
    others = ["im", *(f"im-{other}" for other in COMMANDS)]
    pages = [f"\\fB{other}\\fP(1)".replace("-", "\\-") for other in others if other != name]
    return ".SH SEE ALSO\n" + ", ".join([*pages, "\\fBimtools\\-manifest\\fP(5)"]) + "\n"


def _examples(epilog: str | None) -> str:
    """Return the examples of a command's help as a section."""
    if not epilog or "Examples:" not in epilog:
        return ""
    lines = [line.strip() for line in epilog.partition("Examples:")[2].strip().splitlines()]
    escaped = "\n".join(line.replace("\\", "\\e").replace("-", "\\-") for line in lines)
    return f".SH EXAMPLES\n.nf\n{escaped}\n.fi\n"


def page(name: str, cli: click.Command, summary: str) -> str:
    """Return the man page of one command."""
    context = click.Context(cli, info_name=name)
    cli.short_help = summary
    text = generate_man_page(context, version=f"imtools {__version__}", date=DATE)
    if cli is umbrella:
        text += ".SH COMMANDS\n"
        for other, help_ in COMMANDS.items():
            text += f".TP\n\\fBim {other}\\fP, \\fBim\\-{other}\\fP(1)\n{help_}\n"
    return text + _examples(cli.epilog) + EXIT_STATUS + ENVIRONMENT + _see_also(name)


def pages() -> dict[str, str]:
    """Return all generated pages by file name; commands that have kinds get a page for each of these too."""
    made = {"im.1": page("im", umbrella, "tell which musical instruments sound in polyphonic music")}
    for name, summary in COMMANDS.items():
        cli = command(name)
        made[f"im-{name}.1"] = page(f"im-{name}", cli, summary)
        if isinstance(cli, click.Group):
            for kind, part in cli.commands.items():
                made[f"im-{name}-{kind}.1"] = page(f"im-{name} {kind}", part, part.short_help or "")
    return made


def main() -> int:
    """Write or check the pages; return the exit code."""
    stale = []
    for name, text in pages().items():
        path = HERE / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(
            f"man pages that differ from their commands: {', '.join(stale)}; run 'make man'", file=sys.stderr
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
