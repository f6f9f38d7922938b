"""Drawing on phones: the page for everyone in the room who scans a QR code, one drawing a phone."""

from __future__ import annotations

import itertools
import secrets
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import segno

from diffrender.cli.draw_page.server import Handler, Server
from diffrender.cli.draw_page.session import Session, Strokes
from diffrender.core.errors import DiffrenderError

MAX_PHONES = 300
MAX_PHONE_BODY = 400_000  # bytes: minutes of drawing
WARNING = (
    "Whoever is in this network and has the code can draw, a picture of at most"
    f" {MAX_PHONE_BODY // 1000} kB a phone, on up to {MAX_PHONES} phones. They see no files and choose no names. The"
    " connection is not encrypted; it ends with the command."
)


def lan_address() -> str:
    """This machine's address in the network by which it would reach others; nothing is sent to find it out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address that is nobody's (RFC 5737)
            address: str = probe.getsockname()[0]
        except OSError:
            address = "127.0.0.1"
    if address.startswith("127."):
        raise DiffrenderError("--lan: this machine is in no network.", "Connect it, or leave out --lan.")
    return address


class PhoneServer(Server):
    """The page on this machine's own address, for every phone that brings the token; each has a key and one drawing.

    `out` names the drawings: of cat.svg they are cat-1.svg, cat-2.svg and so on, in the order in which they come; what
    is there already is left alone.
    """

    max_body, same_site, phone = MAX_PHONE_BODY, "Lax", True

    def __init__(self, out: Path, interface: str) -> None:
        super().__init__(Session(next(_free(out))), interface, PhoneHandler)
        self.out, self.lock = out, threading.Lock()
        self.phones: dict[str, Path | None] = {}  # key of each phone → its drawing, once it has sent one

    def admit(self, token: str) -> str:
        """A key for one more phone; empty without the token, or if there are too many."""
        with self.lock:
            if not secrets.compare_digest(token.encode(), self.token.encode()) or len(self.phones) >= MAX_PHONES:
                return ""
            key = secrets.token_urlsafe(24)
            self.phones[key] = None
            return key

    def knows(self, key: str) -> bool:
        """Whether a phone was let in with this key."""
        return key in self.phones

    def drawn(self, key: str) -> Strokes:
        """What this phone has sent before."""
        file = self.phones[key]
        return Session(file).drawn if file else Strokes(strokes=[])

    def save(self, key: str, strokes: Strokes) -> dict[str, str]:
        """Keep the drawing of a phone in place of the one that it sent before; it is not told where."""
        with self.lock:
            self.phones[key] = Session(self.phones[key] or next(_free(self.out))).save(strokes)
        return {"saved": ""}

    @property
    def saved(self) -> list[Path]:
        """The drawings that came."""
        return sorted(file for file in self.phones.values() if file)

    def code(self) -> segno.QRCode:
        """The address with the token, as a QR code."""
        return segno.make_qr(self.address, error="m")

    def code_as_html(self) -> str:
        """HTML for the page of whoever invited: the code, and the address under it."""
        picture = self.code().svg_data_uri(scale=5, border=3, light="#fff")
        words = f"<figcaption>Draw on your phone: {self.address}</figcaption>"
        return f'<figure class="code"><img alt="QR code of the address" src="{picture}">{words}</figure>'


class PhoneHandler(Handler):
    """As for one browser; there is no preview, whose points this machine would draw for everybody in the room."""

    stranger = "Scan the code that is shown in the room. If that was it, there is no more room."


def _free(out: Path) -> Iterator[Path]:
    """Names for drawings beside `out` that nothing has yet."""
    names = (out.with_stem(f"{out.stem}-{k}") for k in itertools.count(1))
    return (name for name in names if not name.exists())
