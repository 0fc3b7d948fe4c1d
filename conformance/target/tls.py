"""Whom a connection to the target trusts, and as whom it presents itself."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from conformance.target.settings import SettingsError

_NOT_TRUSTED = "CERTIFICATE_VERIFY_FAILED"
_WANTS_ONE = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "UNKNOWN_CA")


class UnusableFile(SettingsError):
    """A file of the TLS settings cannot be used; the message begins with the name of its setting."""


@dataclass(frozen=True)
class Tls:
    """Paths of PEM files; an empty one is not set. There is no way not to verify the target.

    ``ca`` holds the certificates that are trusted, in place of the public ones. ``certificate`` is what the suite shows
    to a target that asks for one, with its ``key``, which may stand in the same file and has no passphrase.
    """

    ca: str = ""
    certificate: str = ""
    key: str = ""

    def context(self) -> ssl.SSLContext:
        """What a connection is made with. Raises ``UnusableFile``.

        Without ``ca`` the authorities are certifi's, or those that SSL_CERT_FILE or SSL_CERT_DIR name.
        """
        import httpx

        if self.key and not self.certificate:
            raise UnusableFile("client_key is of no use without client_certificate")
        for setting, path in (("ca", self.ca), ("client_certificate", self.certificate), ("client_key", self.key)):
            _expect_readable(setting, path)
        try:
            context = ssl.create_default_context(cafile=self.ca) if self.ca else httpx.create_ssl_context()
        except OSError as error:  # ssl.SSLError among them
            raise UnusableFile(f"ca = {self.ca!r} holds no certificate in PEM ({_why(error)})") from None
        if self.certificate:
            try:
                # An empty passphrase opens no key that has one, and keeps OpenSSL from asking the terminal for it.
                context.load_cert_chain(self.certificate, self.key or None, password="")
            except (OSError, ValueError) as error:
                named = f"client_key = {self.key!r}" if self.key else f"client_certificate = {self.certificate!r}"
                raise UnusableFile(
                    f"{named}: no key in PEM without a passphrase that fits the certificate "
                    f"client_certificate = {self.certificate!r} ({_why(error)})"
                ) from None
        return context


def advice(failure: str) -> str:
    """What can be done about a connection that failed for its TLS; empty where that was not the reason."""
    if _NOT_TRUSTED in failure:
        return (
            "its certificate is not trusted; if a private authority issued it, name that in [target] ca, "
            "else the server needs one that is valid now, for this host"
        )
    if any(reason in failure for reason in _WANTS_ONE):
        return "it may ask for a certificate of yours: [target] client_certificate and client_key"
    if "WRONG_VERSION_NUMBER" in failure or "RECORD_LAYER_FAILURE" in failure:
        return "it does not speak TLS there; check whether base_url begins with https or http"
    return ""


def _expect_readable(setting: str, path: str) -> None:
    try:
        if path:
            Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise UnusableFile(f"{setting} = {path!r} cannot be read: {_why(error)}") from None


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    return str(reason).lower().replace("_", " ")
