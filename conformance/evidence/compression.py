"""Bodies as they were before compression: an exchange is judged, redacted and kept in plain bytes."""

from __future__ import annotations

import zlib

from conformance.evidence.exchange import Headers, header

# No documented body comes near; a small compressed body must not be able to fill the memory.
_MAX_BYTES = 32 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_WINDOWS = {"gzip": (zlib.MAX_WBITS | 16,), "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS)}


def decompressed(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    """The body without its Content-Encoding, and the headers without the names that spoke of it.

    A body that was decoded by whoever recorded it comes back as it is, for clients keep the header. Raises ValueError
    where the body is compressed and cannot be read (an encoding other than gzip and deflate, damaged, too large).
    """
    encoding = (header(headers, "content-encoding") or "").lower()
    names = [name.strip() for name in encoding.split(",") if name.strip() not in ("", "identity")]
    if not body or (not names and not body.startswith(_GZIP_MAGIC)):
        return headers, body
    plain = body
    # The last name is the outermost layer; gzip announces itself, with or without a header.
    for name in reversed(names) if names else ["gzip"]:
        if name in ("gzip", "x-gzip"):
            plain = _inflate(plain, _WINDOWS["gzip"]) if plain.startswith(_GZIP_MAGIC) else plain
        elif not _is_text(plain):
            plain = _inflate(plain, _WINDOWS.get(name, ()))
    if plain.startswith(_GZIP_MAGIC):
        plain = _inflate(plain, _WINDOWS["gzip"])
    if plain == body:
        return headers, body
    return resized(tuple(pair for pair in headers if pair[0].lower() != "content-encoding"), plain), plain


def resized(headers: Headers, body: bytes) -> Headers:
    """The headers with Content-Length, where there is one, telling the length of ``body``."""
    return tuple((name, str(len(body)) if name.lower() == "content-length" else value) for name, value in headers)


def _inflate(body: bytes, windows: tuple[int, ...]) -> bytes:
    for window in windows:
        decoder = zlib.decompressobj(window)
        try:
            plain = decoder.decompress(body, _MAX_BYTES)
        except zlib.error:
            continue
        if decoder.eof and not decoder.unconsumed_tail and not decoder.unused_data:
            return plain
    raise ValueError("the body is compressed in a way that cannot be read")


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
