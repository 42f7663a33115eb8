"""Whom the app's server answers: its own pages under its own names, and nobody who sends more than it has room for.

A page of another site can send requests to a server on the reader's machine, and, by a name that it lets point there
(DNS rebinding), read the answers too. ``Origin`` or ``Sec-Fetch-Site`` tell of the first, ``Host`` tells of the second.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from hnas.errors import HnasError
from hnas.report.app.storage import Storage

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
#: Names of this machine for itself.
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
#: Addresses that stand for all of a machine's.
_EVERY = frozenset({"0.0.0.0", "::", ""})
#: Bytes of a request that brings no file, and of what surrounds a file in one that does.
_MESSAGE = 1 << 20
#: Bytes of a refused request that are let go by.
_LET_BY = 64 << 20
_BODIED = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True)
class Names:
    """What the server may be called in a request.

    Attributes:
        own: names and addresses.
        addresses: whether any address will do: a page can let its name point here, but not pass as an address.
        elsewhere: names by which a proxy in front of the server is reached; their pages may send requests too.
    """

    own: frozenset[str]
    addresses: bool = False
    elsewhere: frozenset[str] = frozenset()

    @classmethod
    def of(cls, host: str, elsewhere: Iterable[str] = ()) -> Names:
        """Those of a server that listens at an address."""
        more = frozenset(name.lower().rstrip(".") for name in elsewhere)
        if host in _LOOPBACK:
            return cls(_LOOPBACK | more, elsewhere=more)
        machine = socket.gethostname().lower()
        return cls(_LOOPBACK | {host.lower(), machine, f"{machine}.local"} | more, host in _EVERY, more)

    def has(self, name: str) -> bool:
        """Whether the server has this name."""
        if name in self.own:
            return True
        with suppress(ValueError):
            return self.addresses and bool(ip_address(name))
        return False


def refusal(method: str, headers: Mapping[str, str], names: Names) -> str:
    """Why a request is not answered; empty where it is.

    Args:
        method: such as GET.
        headers: by their names in small letters.
        names: of the server.
    """
    host = headers.get("host", "")
    if not names.has(_name(f"//{host}")):
        return "this server does not have that name; start hnas app with --allow-host NAME where it does"
    origin = headers.get("origin")
    if origin is not None:
        scheme, _, place = origin.lower().partition("://")
        ours = scheme in ("http", "https") and (place == host.lower() or _name(f"//{place}") in names.elsewhere)
        return "" if ours else "pages of other sites may not send requests here"
    site = headers.get("sec-fetch-site", "none")
    opened = method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
    return "" if site in ("none", "same-origin") or opened else "pages of other sites may not use this one"


def _name(address: str) -> str:
    """The name in an address, in small letters; empty where there is none."""
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


class Door:
    """What stands before an ASGI application.

    Args:
        app: the application.
        names: of the server.
        storage: where uploads go.
        most: bytes of an uploaded file.
    """

    def __init__(
        self, app: Callable[[Scope, Receive, Send], Awaitable[None]], *, names: Names, storage: Storage, most: int
    ) -> None:
        self._app, self._names, self._storage, self._most = app, names, storage, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or refuses it before anything of its body is read."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":  # nothing here speaks over a web socket
                await self._app(scope, receive, send)
            return None
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if why := refusal(scope["method"], headers, self._names):
            return await _refuse(receive, send, 403, why)
        if scope["method"] not in _BODIED:
            return await self._app(scope, receive, send)
        upload = scope["path"].rstrip("/").endswith("/upload")
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return await _refuse(receive, send, 411, "say how long the request is (Content-Length)")
        if int(length) > _MESSAGE + upload * self._most:
            return await _refuse(receive, send, 413, f"up to {self._most / 1e6:g} MB are taken")
        if not upload:
            return await self._app(scope, receive, send)
        try:
            with self._storage.room_for(int(length)):
                await self._app(scope, receive, send)
        except HnasError as error:
            return await _refuse(receive, send, 507, str(error))
        return None


async def _refuse(receive: Receive, send: Send, status: int, why: str) -> None:
    """Says why. What is on its way is let go by, so that a sender who looks up only then reads it."""
    passed, more = 0, True
    while more and passed < _LET_BY:
        message = await receive()
        passed += len(message.get("body", b""))
        more = message.get("more_body", False)
    text = why.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": text})
