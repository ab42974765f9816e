"""Who may ask, and what browsers are told: middleware around all routes."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import response

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
_OPEN = ("/", "/docs", "/healthz", "/openapi.json")
"""Where no token is asked for, beside ``/page/``: these hold no secrets."""

_LOCAL = ("localhost", "127.0.0.1", "[::1]")


class Guard:
    """Asks for a token, refuses what other pages have a browser send, and adds headers to every response.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    token : str or None
        What clients must send as ``Authorization: Bearer``.
    host : str
        Where the server listens: on the loopback only names of it are answered, so that no page reaches it by
        a name that it has given to 127.0.0.1.
    origins : sequence of str
        Other origins whose pages may ask.
    """

    def __init__(self, app: ASGIApp, token: str | None, host: str, origins: Sequence[str]) -> None:
        self._app, self._token, self._origins = app, token, origins
        self._local = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._refusal(scope["method"], scope["path"], headers)
        await (refusal or self._app)(scope, receive, sending)

    def _refusal(self, method: str, path: str, headers: Headers) -> ASGIApp | None:
        host = headers.get("host", "").lower()
        name = host if host.endswith("]") else host.rsplit(":", 1)[0]
        if self._local and name not in _LOCAL:
            return response(421, f"this server is not {name[:200]!r}", "ask for localhost or 127.0.0.1")
        origin = headers.get("origin")
        foreign = headers.get("sec-fetch-site") == "cross-site" and origin is not None
        if foreign and origin not in self._origins:
            return response(
                403, f"pages of {str(origin)[:200]} may not ask", "start the server with --cors ORIGIN"
            )
        asks_whether = method == "OPTIONS" and origin in self._origins  # browsers send no token with that
        if self._token is None or asks_whether or path in _OPEN or path.startswith("/page/"):
            return None
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode()):
            return None
        hint = "send the header Authorization: Bearer TOKEN"
        return response(401, "this server asks for a token", hint, {"WWW-Authenticate": "Bearer"})


def is_loopback(host: str) -> bool:
    """Return whether only programs of this machine reach a server at that host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
