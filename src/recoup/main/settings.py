"""Settings: environment variables RECOUP_* over a TOML file over defaults. `recoup settings` prints each."""

import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from recoup.doors.edge.proxies import Proxies
from recoup.kernel.problem import Problem

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_DATABASE = "PostgreSQL URL; empty: the embedded server"


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Settings:
    data_dir: Path = _setting(Path(".recoup"), "where data, keys and the embedded database live")
    host: str = _setting("127.0.0.1", "address to listen on")
    port: int = _setting(8400, "port to listen on; 0 takes a free one")
    database_url: str = _setting("", "template for all databases; each name is put in its place")
    people_database_url: str = _setting("", f"people: {_DATABASE}")
    sandbox_database_url: str = _setting("", f"sandbox: {_DATABASE}")
    live_database_url: str = _setting("", "live: PostgreSQL URL, made ready by `recoup live init`; empty: none")
    owner_database_user: str = _setting(
        "", "log-in that owns the schema, where the one in the addresses is the application's alone"
    )  # fmt: skip
    owner_database_password: str = _setting("", "its password")
    live_processor_url: str = _setting("", "live: the bridge to your card processor (docs/live.md); empty: none")
    live_processor_files: bool = _setting(
        False, "live: the bridge takes files of evidence with the answer to a dispute"
    )
    live_processor_secret: str = _setting("", "live: the secret shared with the bridge, at least 32 characters")
    live_acceptor_id: str = _setting("", "live: the id under which card networks know you as an acceptor")
    world: str = _setting("sandbox", "the world that verbs work in: sandbox or live; `recoup --live VERB` sets it")
    public_url: str = _setting("", "address that others reach this at; empty: http://host:port")
    allowed_hosts: str = _setting(
        "", "more names that calls may ask for as their Host, like a.example, *.b.example, or * for any"
    )  # fmt: skip
    metrics_address: str = _setting(
        "", "address:port of its own for /metrics; empty: at the doors, for callers on this machine only"
    )  # fmt: skip
    tls_cert: str = _setting("", "PEM certificate chain; with tls_key the doors speak TLS")
    tls_key: str = _setting("", "PEM private key")
    behind_proxy: str = _setting("", "proxies in front whose X-Forwarded-* is believed: CIDRs with commas")
    http_connections: int = _setting(0, "HTTP connections at once; 0: as many as file handles allow, at most 10000")
    http_connections_per_address: int = _setting(
        256, "of them from one address (an IPv6 /64); a proxy named by behind_proxy is not counted as one"
    )  # fmt: skip
    drain_seconds: int = _setting(
        -1, "how long /readyz answers 503 before the doors close; -1: 5, and 0 while only this machine calls"
    )  # fmt: skip
    visa_limit: int = _setting(20, "Visa sends per card and amount in 30 days; 15 is the safe mode")
    expiry_max_days: int = _setting(30, "the latest expiryDateUtc, in days from now")
    refund_cap_percent: int = _setting(0, "largest partial refund in percent of the order; 0: no cap")
    rate_per_second: int = _setting(2000, "calls per second for each API key, in each process")
    single_use_reads: bool = _setting(True, "stablecoin API: signatures of GETs work once too, as those of writes do")
    loopback_webhooks: str = _setting(
        "auto", "sandbox: whether webhooks may go to http://127.0.0.1; yes, no, auto (while only this machine calls)"
    )  # fmt: skip
    sign_up: bool = _setting(True, "whether anybody may make a sandbox account at /signup; live never has it")
    connections: int = _setting(12, "database connections of each process")
    smtp_host: str = _setting("", "mail server for notices to payers, in the sandbox on loopback only; empty: none")
    smtp_port: int = _setting(587, "its port")
    smtp_user: str = _setting("", "its user; empty: no sign-in")
    smtp_password: str = _setting("", "its password")
    smtp_from: str = _setting("", "the address that mails to payers come from")
    smtp_tls: str = _setting("starttls", "starttls, implicit, or none on loopback")
    digest_hour: int = _setting(8, "when daily digests are sent, 0 to 23 in each person's zone, unless they chose")
    log_level: str = _setting("info", "debug, info, warning or error")
    origins: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_local(self) -> bool:
        """Only this machine calls."""
        return self.host in LOOPBACK and urlsplit(self.url).hostname in LOOPBACK and not self.behind_proxy

    @property
    def hosts(self) -> list[str]:
        """Names that calls may ask for, beside addresses."""
        return [urlsplit(self.url).hostname or "", self.host, *self.allowed_hosts.split(",")]

    @property
    def drain(self) -> int:
        """Seconds."""
        return self.drain_seconds if self.drain_seconds >= 0 else 0 if self.is_local else 5

    @property
    def takes_loopback(self) -> bool:
        """Who can sign up could post to this machine's own ports and read the answers: only while they are on it."""
        own = self.is_local
        return own if self.loopback_webhooks == "auto" else self.loopback_webhooks == "yes"

    @property
    def url(self) -> str:
        scheme = "https" if self.tls_cert else "http"
        return (self.public_url or f"{scheme}://{self.host}:{self.port}").rstrip("/")


_TRUTHS: Final = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("", "0", "false", "no", "off"), False)


def load_settings(config: Path | None = None, **flags: Any) -> Settings:
    """`flags` (command line) win over the environment, that over the file. None means not given.

    Raises: Problem(invalid) naming the setting.
    """
    told = {name: value for name, value in flags.items() if value is not None}
    data_dir = Path(told.get("data_dir") or os.environ.get("RECOUP_DATA_DIR") or ".recoup")
    path = config or Path(os.environ.get("RECOUP_CONFIG") or data_dir / "recoup.toml")
    listed: dict[str, Any] = {}
    if path.exists():
        try:
            listed = tomllib.loads(path.read_text())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Problem("invalid", f"{path} is not TOML: {error}.", field=str(path),
                          cure="Write lines like port = 8500, or remove the file.") from None  # fmt: skip
    known = {f.name: f for f in fields(Settings) if f.name != "origins"}
    unknown = sorted(set(listed) - set(known))
    if unknown:
        raise Problem("invalid", f"{path} has an unknown setting {unknown[0]!r}.", field=unknown[0],
                      cure="`recoup settings` lists all.")  # fmt: skip
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, spec in known.items():
        variable = f"RECOUP_{name.upper()}"
        if name in told:
            values[name], origins[name] = told[name], "command line"
        elif variable in os.environ:
            values[name], origins[name] = os.environ[variable], variable
        elif name in listed:
            values[name], origins[name] = listed[name], str(path)
        else:
            origins[name] = "default"
            continue
        values[name] = _as(name, spec.default, values[name])
    _check(values)
    return Settings(**values, origins=origins)


def _check(values: dict[str, Any]) -> None:
    """Raises: Problem(invalid) for a value that no door could work with."""
    if not 0 <= values.get("port", 0) <= 65535:
        raise Problem("invalid", f"The port must be between 0 and 65535, not {values['port']}.", field="port",
                      cure="Set it to one that is free, like 8400.")  # fmt: skip
    for name, least in (("http_connections", 0), ("http_connections_per_address", 1), ("drain_seconds", -1)):
        if values.get(name, least) < least:
            raise Problem("invalid", f"{name} must be {least} or more, not {values[name]}.", field=name,
                          cure="Leave it out for the default.")  # fmt: skip
    host, _, port = values.get("metrics_address", "").rpartition(":")
    if values.get("metrics_address") and not (host and port.isdigit() and int(port) <= 65535):
        raise Problem("invalid", f"metrics_address must be address:port, not {values['metrics_address']!r}.",
                      field="metrics_address", cure="Write it like 127.0.0.1:9400.")  # fmt: skip
    if values.get("behind_proxy"):
        Proxies(values["behind_proxy"])
    if values.get("world", "sandbox") not in ("sandbox", "live"):
        raise Problem("invalid", f"The world must be sandbox or live, not {values['world']!r}.", field="world",
                      cure="Set it to one of these.")  # fmt: skip
    if values.get("loopback_webhooks", "auto") not in ("auto", "yes", "no"):
        message = f"loopback_webhooks must be auto, yes or no, not {values['loopback_webhooks']!r}."
        raise Problem("invalid", message, field="loopback_webhooks", cure="Set it to one of these.")
    if str(values.get("log_level", "info")).lower() not in ("debug", "info", "warning", "error"):
        message = f"The log_level must be debug, info, warning or error, not {values['log_level']!r}."
        raise Problem("invalid", message, field="log_level", cure="Set it to one of these.")


def _as(name: str, default: Any, value: Any) -> Any:
    if isinstance(default, bool):
        if str(value).lower() not in _TRUTHS:
            raise Problem("invalid", f"The setting {name} must be true or false, not {value!r}.", field=name,
                          cure="Write true or false.")  # fmt: skip
        return _TRUTHS[str(value).lower()]
    try:
        return type(default)(value) if not isinstance(default, Path) else Path(value)
    except (TypeError, ValueError):
        kind = "a whole number" if isinstance(default, int) else type(default).__name__
        raise Problem("invalid", f"The setting {name} must be {kind}, not {value!r}.", field=name,
                      cure="`recoup settings` shows each with its meaning.") from None  # fmt: skip
