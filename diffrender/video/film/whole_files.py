"""Bytes that cut-off files of film and sound lack: AVI, WAV, Matroska, WebM; of Ogg the last page, of TS a packet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

TS_PACKETS = (188, 192, 204)  # bytes of a packet: plain, with time stamps (M2TS), with error correction
TS_SYNC = 0x47
OGG, MAX_OGG_PAGE = b"OggS", 65_307  # bytes
LAST_PAGE = 0x04  # a flag in a page's sixth byte
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def missing_bytes(path: Path) -> int:
    """How many bytes at least are not there that the file announces; 0 if none, or if it announces nothing."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        if head == b"RIFF":
            return _end_of_riff(file, size) - size
        if head == EBML:
            return max(_end_of_matroska(file) - size, 0)
        if head == OGG:
            return max(_end_of_ogg(file, size) - size, 0)
        return _torn_packet(file, size)


def _end_of_riff(file: IO[bytes], size: int) -> int:
    """Where the last chunk ends that begins within the file; long AVIs are several, one behind the other."""
    end = 0
    while end < size:
        file.seek(end)
        head = file.read(8)
        if head[:4] != b"RIFF" or len(head) < 8:
            return size  # what follows is no chunk of ours
        length = int.from_bytes(head[4:], "little")
        if length in (0, 0xFFFFFFFF):  # written by a program that could not go back to its head
            return size
        end += 8 + length
    return end if end - size > 1 else size  # a chunk of odd length has a byte to spare, which some leave out


def _end_of_matroska(file: IO[bytes]) -> int:
    """Where the segment ends that holds everything; 0 if it does not say, as live streams do not."""
    file.seek(4)
    length = _length(file)
    if length is None:
        return 0
    file.seek(length, os.SEEK_CUR)
    if file.read(4) != SEGMENT:
        return 0
    length = _length(file)
    return 0 if length is None else file.tell() + length


def _end_of_ogg(file: IO[bytes], size: int) -> int:
    """Where the last page ends that begins in the file, and a byte further if it is not marked as a stream's last."""
    begin = max(0, size - MAX_OGG_PAGE)
    file.seek(begin)
    tail = file.read()
    last = tail.rfind(OGG)
    if last < 0 or len(tail) < last + 27:
        return size + (last >= 0)
    parts = tail[last + 27 : last + 27 + tail[last + 26]]
    end = begin + last + 27 + tail[last + 26] + sum(parts)
    return end if tail[last + 5] & LAST_PAGE else max(end, size + 1)


def _length(file: IO[bytes]) -> int | None:
    """The length of an element of EBML, 1 to 8 bytes of which the first says how many; None if it is left open."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    rest = file.read(width - 1)
    value = int.from_bytes(bytes([first[0] & ((1 << (8 - width)) - 1)]) + rest, "big")
    return None if value == (1 << (7 * width)) - 1 else value


def _torn_packet(file: IO[bytes], size: int) -> int:
    """Of a transport stream: what its last packet lacks."""
    head = file.read(8 + 3 * max(TS_PACKETS))
    for width in TS_PACKETS:
        begin = 4 if width == 192 else 0
        if len(head) > begin + 2 * width and all(head[begin + k * width] == TS_SYNC for k in range(3)):
            return -size % width
    return 0
