"""The serving stage: a model in, responses out until it is stopped."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..device import resolve_device, resolve_precision
from ..errors import UsageError
from ..models.bundle import load, read_card
from ..models.locate import locate
from ..predict.predictor import Predictor, PredictSettings
from ..run import Run
from ..serve.app import make_app
from ..serve.decoding import check
from ..serve.guard import is_loopback
from ..serve.limits import Limits
from ..serve.server import listen, serve
from ..serve.service import Service

_MIN_TOKEN_CHARACTERS = 16


def serve_model(
    run: Run,
    model: str,
    *,
    host: str,
    port: int,
    limits: Limits,
    token_file: str | None,
    origins: Sequence[str],
    batch_size: int,
) -> None:
    """Serve a model.

    Parameters
    ----------
    run : Run
        The harness.
    model : str
        The model directory.
    host, port : str, int
        Where to listen.
    limits : Limits
        On requests.
    token_file : str or None
        The file with the token that clients must send.
    origins : sequence of str
        Origins whose pages may send requests.
    batch_size : int
        Windows that are computed at once.

    Raises
    ------
    UsageError
        If the token cannot be read, or is too short to be one, or decoders have too little memory.
    ImtoolsError
        If the model cannot be loaded, or the address is not available.
    """
    options = run.options
    device = resolve_device(options.device)
    with ThreadPoolExecutor(1) as pool:
        decoding = pool.submit(check, limits.memory)  # a process starts meanwhile
        loaded = load(locate(model), device, resolve_precision(options.precision, device))
        decoding.result()
    service = Service(Predictor(loaded, PredictSettings(batch_size=batch_size)), limits, read_card(model))
    token = None if token_file is None else _read_token(token_file)
    app = make_app(service, host=host, token=token, origins=origins)
    listening = listen(host, port)
    with listening:
        name, bound = listening.getsockname()[:2]
        url = f"http://{f'[{name}]' if ':' in name else name}:{bound}"
        line = {"url": url, "model": loaded.name, "device": str(device), "token": token is not None}
        if token is None and not is_loopback(host):
            run.say(
                "warning: whoever reaches this machine may use it; add --token-file, or keep to the loopback"
            )
        if options.dry_run:
            run.say(f"dry run: {loaded.name} would be served at {url}")
            return

        def ready() -> None:
            run.say(f"{loaded.name} at {url}")
            run.emit([line])  # for scripts: it answers from now on

        serve(app, listening, ready, verbose=options.verbose)


def _read_token(path: str) -> str:
    try:
        token = (sys.stdin.read() if path == "-" else Path(path).read_text(encoding="ascii")).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "not ASCII"
        raise UsageError(f"{path}: cannot be read ({why})", "put the token there, readable for you") from None
    if len(token) < _MIN_TOKEN_CHARACTERS or not token.isprintable() or " " in token:
        hint = f"write {_MIN_TOKEN_CHARACTERS} characters or more, say by: openssl rand -hex 24"
        raise UsageError(f"{path}: holds no usable token", hint)
    return token
