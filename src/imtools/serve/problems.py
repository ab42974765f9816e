"""Errors as sent to clients: problem details after RFC 9457."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from ..errors import ImtoolsError, plain

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """What is wrong with a request, and what to do about it.

    Parameters
    ----------
    status : int
        The HTTP status.
    detail : str
        What is wrong with this request.
    hint : str
        What to do.
    **headers : str
        Headers of the response, with underscores for hyphens.
    """

    def __init__(self, status: int, detail: str, hint: str, **headers: str) -> None:
        super().__init__(detail)
        self.status, self.detail, self.hint = status, detail, hint
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class ProblemDetails(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field("about:blank", description="The kind: that of the status.")
    title: str = Field(description="The status in words.", examples=["Unprocessable Content"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(
        description="What is wrong.", examples=["song.mp3: cannot be decoded (Format not recognised)"]
    )
    hint: str = Field(description="What to do.", examples=["check that it is complete audio"])


def install(app: FastAPI) -> None:
    """Make an application answer each error with problem details."""

    @app.exception_handler(ProblemError)
    async def _problem(request: Request, error: ProblemError) -> JSONResponse:
        return response(error.status, error.detail, error.hint, error.headers)

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors())
        return response(422, wrong, "see /docs for the parameters")

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        return response(error.status_code, str(error.detail), "see /docs for what there is", error.headers)

    @app.exception_handler(ImtoolsError)
    async def _ours(request: Request, error: ImtoolsError) -> JSONResponse:
        return response(422, plain(error.message), plain(error.hint or ""))


def response(
    status: int, detail: str, hint: str | None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return problem details as a response.

    Parameters
    ----------
    status : int
        The HTTP status.
    detail, hint : str
        What is wrong, and what the client can do about it.
    headers : mapping, optional
        More headers.
    """
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    content: dict[str, Any] = {
        "type": "about:blank", "title": title, "status": status, "detail": detail, "hint": hint or "",
    }  # fmt: skip
    return JSONResponse(content, status, headers, MEDIA_TYPE)
