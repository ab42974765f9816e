"""The body of a request, written to an unlinked file."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from .limits import Limits
from .problems import ProblemError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_RAW = re.compile(r"(audio|video)/[\w.+-]+|application/(octet-stream|ogg|mp4|x-flac)|")
_EXTENDED = re.compile(r"filename\*=UTF-8'[\w-]*'([^;\s]+)", re.IGNORECASE)  # RFC 8187
_FRAME = 2**16
"""Bytes that headers and boundaries of a multipart body may add."""
_PARTS = 32
"""Maximum number of parts of a form, one of them the file."""
_NAME = 200
_MAX_DISPOSITION_CHARACTERS = 2000
"""Maximum number of characters of a header that are searched for a name."""


class Upload:
    """A received upload: an open file and its name; a context manager that closes it.

    Attributes
    ----------
    file : file
        Unlinked: it disappears with the process, however that ends.
    name : str
        The client's name for it, without folders and control characters; nothing is opened by it.
    size : int
        Bytes.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.file, self.name, self.size = file, name, 0

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, data: bytes, most: int) -> None:
        """Append data.

        Parameters
        ----------
        data : bytes
            The received data.
        most : int
            Maximum size of the whole upload in bytes.

        Raises
        ------
        ProblemError
            413 if that is more than allowed, 507 if the disk is full.
        """
        self.size += len(data)
        if self.size > most:
            raise too_large(most)
        try:
            self.file.write(data)
        except OSError as error:
            what = f"the server cannot store the upload ({error.strerror})"
            raise ProblemError(507, what, "try again later") from None


def too_large(most: int) -> ProblemError:
    """Return the problem of an upload of too many bytes."""
    return ProblemError(
        413,
        f"the upload is larger than {most / 2**20:g} MiB",
        "send a compressed file, or less",
    )


def safe_name(text: str) -> str:
    """Return the displayable part of a client's name for a file."""
    last = PurePosixPath(text.replace("\\", "/")).name
    return "".join(c for c in last if c.isprintable())[:_NAME] or "upload"


async def receive(request: Request, limits: Limits) -> Upload:
    """Receive the body of a request: the file itself, or a form with one file.

    Parameters
    ----------
    request : Request
        The request.
    limits : Limits
        On size and time.

    Raises
    ------
    ProblemError
        400 if a form is malformed or has no file, 408 if it takes too long, 413 if it is too large, 415 if
        it is declared as something other than audio.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    media = kind.decode("latin-1").lower()
    form = media == "multipart/form-data"
    if not form and not _RAW.fullmatch(media):
        hint = "send audio/*, application/octet-stream, or a form (multipart/form-data) with one file"
        raise ProblemError(415, f"{media!r} is not audio", hint, Accept_Post="audio/*, multipart/form-data")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limits.upload + form * _FRAME:
        raise too_large(limits.upload)
    upload = Upload(_temporary(), safe_name(_named(request)))
    try:
        async with asyncio.timeout(limits.timeout):
            if form:
                await _receive_form(request, upload, options.get(b"boundary"), limits.upload)
            else:
                async for data in request.stream():
                    upload.write(data, limits.upload)
        if not upload.size:
            raise ProblemError(
                400, f"{upload.name}: the file is empty", "send audio as the body of the request"
            )
    except TimeoutError:
        upload.file.close()
        what = f"the upload was not complete after {limits.timeout:g} s"
        raise ProblemError(408, what, "send less, or over a faster connection", Connection="close") from None
    except ClientDisconnect:
        upload.file.close()
        raise ProblemError(400, "the upload ended early", "send it again") from None
    except BaseException:
        upload.file.close()
        raise
    upload.file.seek(0)
    return upload


def _temporary() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(buffering=0, prefix="imtools-")
    except OSError as error:
        what = f"the server cannot store uploads ({error.strerror})"
        raise ProblemError(507, what, "try again later") from None


def _named(request: Request) -> str:
    """Return the name of a raw body, if any."""
    if name := request.query_params.get("name"):
        return name
    header = request.headers.get("content-disposition", "")[:_MAX_DISPOSITION_CHARACTERS]
    if extended := _EXTENDED.search(header):
        return unquote(extended[1])
    _, options = parse_options_header(header)
    return options.get(b"filename", b"").decode("utf-8", "replace")


async def _receive_form(request: Request, upload: Upload, boundary: bytes | None, most: int) -> None:
    """Write the file of a form, and refuse forms without one or with several."""
    if not boundary:
        raise ProblemError(400, "the form has no boundary", "let your HTTP library write the Content-Type")
    parts = _Parts(upload, most)
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        size = 0
        async for data in request.stream():
            size += len(data)
            if size > most + _FRAME:
                raise too_large(most)
            parser.write(data)
        parser.finalize()
    except (MultipartParseError, UnicodeDecodeError) as error:
        raise ProblemError(
            400, f"the form cannot be read ({error})", "let your HTTP library write it"
        ) from None
    if not parts.files:
        raise ProblemError(400, "the form holds no file", _ONE_FILE)
    if not parts.ended:
        raise ProblemError(400, "the form ends early", "send it again")


_ONE_FILE = "send one file for each request, as curl -F file=@song.mp3 does"


class _Parts:
    """Parses a form: the file is written, other parts are ignored."""

    def __init__(self, upload: Upload, most: int) -> None:
        self._upload, self._most = upload, most
        self.files, self.ended = 0, False
        self._parts = 0
        self._field = self._value = b""
        self._disposition = b""

    def callbacks(self) -> MultipartCallbacks:
        """Return the callbacks for the parser."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_end": self._on_end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _PARTS:
            raise ProblemError(400, f"the form has more than {_PARTS} parts", _ONE_FILE)
        self._field = self._value = self._disposition = b""
        self._is_file = False

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"filename" in options:
            self._is_file = True
            self.files += 1
            if self.files > 1:
                raise ProblemError(400, "the form holds several files", _ONE_FILE)
            self._upload.name = safe_name(options[b"filename"].decode("utf-8", "replace"))

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._upload.write(data[start:end], self._most)

    def _on_end(self) -> None:
        self.ended = True
