"""Access control and headers for browsers: middleware around all routes."""

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
"""Open without a token, besides ``/page/``: these hold no secrets."""


class Guard:
    """Requires a token, refuses cross-site requests, and adds headers to every response.

    Parameters
    ----------
    app : ASGI application
        The guarded application.
    token : str or None
        The token that clients must send as ``Authorization: Bearer``.
    host : str
        Where the server listens: without a token, requests must name an IP address or a name of this
        machine, so that no page can reach it by DNS rebinding.
    origins : sequence of str
        Other origins whose pages may send requests; without a token, no others may.
    """

    def __init__(self, app: ASGIApp, token: str | None, host: str, origins: Sequence[str]) -> None:
        self._app, self._token, self._origins = app, token, origins
        self._host = host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._refusal(scope["method"], scope["path"], headers)
        try:
            await (refusal or self._app)(scope, receive, sending)
        except Exception:
            if not begun:
                hint = "try again; if it happens again, report what the server logs"
                await response(500, "the server has failed", hint)(scope, receive, sending)
            raise

    def _refusal(self, method: str, path: str, headers: Headers) -> ASGIApp | None:
        origin = headers.get("origin")
        if self._token is None:
            return self._stranger(headers.get("host", "").lower(), origin, headers)
        is_preflight = (
            method == "OPTIONS" and origin in self._origins
        )  # browsers send no token with preflight requests
        if is_preflight or path in _OPEN or path.startswith("/page/"):
            return None
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode()):
            return None
        hint = "send the header Authorization: Bearer TOKEN"
        return response(401, "this server requires a token", hint, {"WWW-Authenticate": "Bearer"})

    def _stranger(self, host: str, origin: str | None, headers: Headers) -> ASGIApp | None:
        """Return the problem of a request that may come from a page of another site."""
        if not self._is_own(host):
            hint = "use an address or localhost in its place, or have the server require a token"
            return response(421, f"this server is not {host[:200]!r}", hint)
        if origin is not None and origin not in self._origins and not _same(origin, host, headers):
            what = f"pages of {origin[:200]} may not use this server"
            return response(403, what, "have the operator of the server allow this origin")
        return None

    def _is_own(self, host: str) -> bool:
        """Return whether a Host header can only refer to this server."""
        name = host if host.endswith("]") else host.rsplit(":", 1)[0]
        if name in ("localhost", self._host):
            return True
        return _is_address(name) and (is_loopback(name.strip("[]")) or not is_loopback(self._host))


def _same(origin: str, host: str, headers: Headers) -> bool:
    """Return whether a request comes from a page of this server.

    Browsers state it if the connection is secure; a proxy may have changed the Host by then.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    return origin.lower().partition("://")[2] == host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Return whether only programs of this machine reach a server at that host."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
