"""The routes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from starlette.middleware.cors import CORSMiddleware

from .. import __version__
from .guard import Guard
from .problems import MEDIA_TYPE, ProblemDetails, ProblemError, install
from .responses import ModelInfo, RecordingPrediction
from .service import Service

_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

_FILE = {"schema": {"type": "string", "format": "binary"}}
_REQUEST_BODY = {
    "required": True,
    "content": {
        "audio/*": _FILE,
        "application/octet-stream": _FILE,
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        },
    },
}
"""The body of a request for predictions, which FastAPI cannot document, since it does not read it."""


def _failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe responses with problem details."""
    content = {MEDIA_TYPE: {"schema": ProblemDetails.model_json_schema()}}
    return {status: {"description": "Problem details (RFC 9457).", "content": content} for status in statuses}


def make_app(
    service: Service, *, host: str, token: str | None = None, origins: Sequence[str] = ()
) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    service : Service
        The service that answers requests.
    host : str
        Where the server listens.
    token : str, optional
        The token that clients must send as ``Authorization: Bearer``.
    origins : sequence of str
        Origins whose pages may send requests.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = FastAPI(
        title="imtools",
        version=__version__,
        summary="Which musical instruments sound in a recording.",
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own page loads its scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=_failures(*((401,) if token else ()), 403, 421),
    )
    install(app)
    # The last one added is the outermost: responses of the guard get no CORS headers, as intended.
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Content-Disposition"],
            expose_headers=["Retry-After"],
        )
    app.add_middleware(Guard, token=token, host=host, origins=origins)

    @app.post(
        "/v1/predict",
        openapi_extra={"requestBody": _REQUEST_BODY},
        responses=_failures(400, 408, 413, 415, 422, 503, 507),
        response_model_exclude_none=True,
        tags=["predictions"],
    )
    async def predict(
        request: Request,
        timeline: Annotated[
            bool, Query(description="Also return the time spans in which each instrument is present.")
        ] = False,
        windows: Annotated[bool, Query(description="Also return the scores of each window.")] = False,
        top: Annotated[
            int | None,
            Query(ge=1, le=1000, description="Return only this many classes: those with the highest scores."),
        ] = None,
        name: Annotated[
            str | None, Query(max_length=1000, description="Name of the recording in the response.")
        ] = None,
    ) -> RecordingPrediction:
        """Predict which instruments sound in the recording that is the body of the request.

        The body is the file itself, or a form with one file.
        """
        return await service.predict(request, times=timeline, windows=windows, top=top)

    @app.get("/v1/model", tags=["predictions"])
    async def model() -> ModelInfo:
        """Describe the model: its classes, thresholds and card."""
        return service.model_info()

    @app.get("/healthz", responses=_failures(503), tags=["operation"])
    async def health() -> dict[str, str]:
        """Check that the server is up and can answer."""
        if not service.alive:
            raise ProblemError(503, "no process can decode", "try again later", Retry_After="5")
        return {"status": "ok"}

    app.add_api_route("/healthz", health, methods=["HEAD"], include_in_schema=False)

    @app.get(
        "/metrics",
        tags=["operation"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
    )
    async def metrics() -> Response:
        """Return counters in Prometheus' text format."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    _serve_page(app)
    return app


def _serve_page(app: FastAPI) -> None:
    """Serve the files of the page, from memory: no path is derived from a request."""
    for file in (files(__package__) / "page").iterdir():
        kind = os.path.splitext(file.name)[1]
        if kind in _KINDS:
            path = {"index.html": "/", "docs.html": "/docs"}.get(file.name, f"/page/{file.name}")
            app.add_api_route(
                path,
                _constant(file.read_bytes(), f"{_KINDS[kind]}; charset=utf-8"),
                methods=["GET", "HEAD"],
                include_in_schema=False,
            )


def _constant(content: bytes, media_type: str) -> Callable[[], Awaitable[Response]]:
    async def get() -> Response:
        return Response(content, media_type=media_type)

    return get
