"""The certificate of the doors: refused when it cannot serve, and read again when its files
change."""

import ssl
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import Clocks
from recoup.main.settings import Settings

SOON: Final = timedelta(days=14)
log = structlog.get_logger()


class Certificate:
    """Files of PEM: the chain, the server's own first, and its key."""

    def __init__(self, chain: str, key: str) -> None:
        self._chain, self._key = Path(chain), Path(key)
        self._seen = self._stamps()
        self.ends = self._check(None)

    def _stamps(self) -> list[int]:
        try:
            return [file.stat().st_mtime_ns for file in (self._chain, self._key)]
        except OSError:
            return []

    def _check(self, context: ssl.SSLContext | None) -> datetime:
        """Loads them into the context; answers the end. Raises: Problem(unavailable)."""
        from cryptography import x509

        try:
            first = x509.load_pem_x509_certificates(self._chain.read_bytes())[0]
            # One of its own first: what fails half way would leave a running one with another's
            # key.
            for tls in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), context):
                if tls is not None:
                    tls.load_cert_chain(
                        self._chain, self._key, password=str
                    )  # asks nobody for a password
        except (OSError, ValueError) as error:  # those of ssl are both
            why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            message = Sentence(
                "The certificate {0} with the key {1} cannot be used: {2}.",
                self._chain,
                self._key,
                why,
            )
            raise Problem(
                "unavailable", message, field="tls_cert", cure="Set tls_cert and tls_key."
            ) from None
        self.begins = first.not_valid_before_utc
        return first.not_valid_after_utc

    def check(self, now: datetime) -> None:
        """Raises: Problem(unavailable) for one that callers would refuse."""
        if now >= self.ends:
            message = Sentence("The certificate {0} expired on {1}.", self._chain, self.ends.date())
            raise Problem(
                "unavailable", message, field="tls_cert", cure="Renew it, then start again."
            )
        if now < self.begins:
            message = Sentence(
                "The certificate {0} is not valid before {1}.", self._chain, self.begins.date()
            )
            raise Problem(
                "unavailable", message, field="tls_cert", cure="Set the clock, or use another."
            )

    def renew(self, context: ssl.SSLContext) -> None:
        """Takes changed files into use for the connections that follow. Those that do not fit, as
        while one of them is still being written, change nothing."""
        before, self._seen = self._seen, self._stamps()
        if before == self._seen:
            return
        try:
            self.ends = self._check(context)
        except Problem as problem:
            log.warning("certificate not read", why=problem.sentence())
        else:
            log.info("certificate read", ends=self.ends.isoformat())


def certificate_of(settings: Settings) -> Certificate | None:
    """The doors' own, which callers would take; None without TLS. Raises: Problem(unavailable)."""
    if not settings.tls_cert:
        return None
    certificate = Certificate(settings.tls_cert, settings.tls_key)
    certificate.check(Clocks().wall())
    return certificate
