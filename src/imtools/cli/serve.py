"""im-serve: serve predictions over HTTP, with a web page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from .app import start, tool, windows_at_once

if TYPE_CHECKING:
    from ..run import Run


@tool(
    "im-serve",
    inputs=False,
    device=True,
    content={"model": "model.json"},
    epilog="""
im-serve
im-serve -m model/ --port 8080 --max-duration 600
im-serve --host 0.0.0.0 --token-file token.txt --max-upload 50M
im-serve --dry-run --port 0""",
)
@click.option(
    "-m",
    "--model",
    default="bundled",
    metavar="DIR",
    help="The model directory (default: bundled, the model that comes with imtools).",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="The port; 0: a free one."
)
@click.option("--token-file", metavar="FILE", help="Require the token in FILE (-: standard input).")
@click.option(
    "--cors",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let pages of ORIGIN send requests (repeatable).",
)
@click.option(
    "--max-upload", default="200M", show_default=True, metavar="SIZE", help="Largest upload: bytes, 500K, 2G."
)
@click.option(
    "--max-duration",
    type=click.FloatRange(0, min_open=True),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest recording.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long an upload may take, then to wait for a decoder, and then to be decoded.",
)
@click.option(
    "--queue",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="N",
    help="Requests at once; more are refused for the time being (503).",
)
@click.option(
    "--uploads",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    metavar="N",
    help="Uploads received at once.",
)
@click.option(
    "--decoders",
    type=click.IntRange(1),
    metavar="N",
    help="Processes that decode (default: one per processor, 8 at most).",
)
@click.option(
    "--decoder-memory", default="1G", show_default=True, metavar="SIZE", help="Memory of each of them."
)
@windows_at_once
def command(
    run: Run,
    model: str,
    host: str,
    port: int,
    token_file: str | None,
    origins: tuple[str, ...],
    max_upload: str,
    max_duration: float,
    timeout: float,
    queue: int,
    uploads: int,
    decoders: int | None,
    decoder_memory: str,
    batch_size: int,
) -> None:
    """Predict over HTTP which instruments sound in a recording, with a page for people.

    Open http://127.0.0.1:8000 and drop a file, or send it: curl --data-binary @song.mp3 -H 'Content-Type:
    audio/mpeg' http://127.0.0.1:8000/v1/predict. The numbers are those of im-predict. Requests that come
    together are computed together. Once the server answers, it prints a line of JSON with its address.

    Only programs of this machine are answered unless --host says otherwise. Files are decoded in processes
    of their own, with little memory and time, and are never kept.

    Needs the packages of imtools[serve], and Linux.
    """
    import re
    import sys
    from importlib.util import find_spec

    from ..device import wait_passively
    from ..errors import UsageError

    if missing := [name for name in ("fastapi", "uvicorn", "python_multipart") if find_spec(name) is None]:
        raise UsageError(f"im-serve needs {' and '.join(missing)}", "run: pip install 'imtools[serve]'")
    if not sys.platform.startswith("linux"):
        raise UsageError("im-serve needs Linux to limit its files and processes", "use a container")
    wait_passively()
    from ..parallel import default_jobs
    from ..serve.limits import Limits, parse_size
    from ..stages.serve import serve_model

    for origin in origins:
        if not re.fullmatch(r"https?://[^/\s*?#@]+", origin):
            hint = "give scheme and host, and the port if it has one: https://music.example:8443"
            raise UsageError(f"--cors {origin}: is not an origin", hint)
    limits = Limits(
        upload=parse_size(max_upload),
        duration=max_duration,
        timeout=timeout,
        waiting=queue,
        uploads=uploads,
        decoders=decoders or min(8, default_jobs()),
        memory=parse_size(decoder_memory),
    )
    serve_model(
        run,
        model,
        host=host,
        port=port,
        limits=limits,
        token_file=token_file,
        origins=origins,
        batch_size=batch_size,
    )


def main() -> NoReturn:
    """Run ``im-serve``."""
    start(command)
