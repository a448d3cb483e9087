"""Settings: environment variables RECOUP_* over a TOML file over defaults. `recoup settings` prints
each."""

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from recoup.kernel.feature import install
from recoup.kernel.nearest import nearest
from recoup.kernel.places import SETTING
from recoup.kernel.problem import Problem, invalid
from recoup.kit.edge.proxies import Proxies
from recoup.kit.languages.catalogues import check_translations
from recoup.main.route_settings import RouteSettings, read_routes, shown
from recoup.outside.keys.secret_files import FILE, given_twice, read_secret, secret_of

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_DATABASE = "PostgreSQL URL; empty: the embedded server"


def _setting(default: Any, meaning: str, *, secret: bool = False) -> Any:
    """`secret`: a file may hold it, which `<name>_file` names."""
    return field(default=default, metadata={"meaning": meaning, "secret": secret})


def _secret(meaning: str) -> Any:
    return _setting("", meaning, secret=True)


@dataclass(frozen=True)
class Settings:
    data_dir: Path = _setting(Path(".recoup"), "where data, keys and the embedded database live")
    host: str = _setting("127.0.0.1", "address to listen on")
    port: int = _setting(8400, "port to listen on; 0 takes a free one")
    database_url: str = _secret(
        "template for all databases; the name of each replaces its database name"
    )
    people_database_url: str = _secret(f"people: {_DATABASE}")
    sandbox_database_url: str = _secret(f"sandbox: {_DATABASE}")
    live_database_url: str = _secret(
        "live: PostgreSQL URL, set up by `recoup live init`; empty: none"
    )
    replica_url: str = _secret(
        "template, as database_url, of a standby for reports and exports; empty: none"
    )
    pooler_url: str = _secret(
        "template, as database_url, of a PgBouncer in transaction mode; empty: none"
    )
    replica_late_seconds: int = _setting(2, "seconds until the primary answers for a late standby")
    owner_database_user: str = _setting(
        "", "log-in that owns the schema, if the URLs have the application's"
    )
    owner_database_password: str = _secret("password of owner_database_user")
    live_processor_url: str = _setting(
        "", "live: the bridge to your card processor (docs/processors.md); empty: none"
    )
    live_processor_files: bool = _setting(
        False, "live: the bridge accepts evidence files with the answer to a dispute"
    )
    live_processor_authenticates: bool = _setting(
        False, "live: the bridge sends customers to their bank to confirm"
    )
    live_processor_updater: bool = _setting(
        False, "live: the bridge answers what became of replaced cards"
    )
    live_processor_tokens: bool = _setting(
        False, "live: the bridge provisions network tokens and takes them"
    )
    live_processor_secret: str = _secret(
        "live: the secret shared with the bridge, at least 32 characters"
    )
    live_processor_country: str = _setting(
        "", "live: the country of your account at that bridge's acquirer, like DE"
    )
    live_acceptor_id: str = _setting("", "live: your acceptor id at the card networks")
    live_ach_routing: str = _setting(
        "", "live: routing number of the bank that sends your NACHA files; empty: CSV files"
    )
    live_ach_bank: str = _setting("", "live: that bank's name")
    live_ach_company_id: str = _setting("", "live: your company id at that bank, 10 characters")
    live_ach_company: str = _setting("", "live: your company's name, as that bank knows it")
    sandbox_processor_url: str = _setting(
        "", "sandbox: URL of a simulated world (docs/contributing/world-protocol.md); empty: none"
    )
    sandbox_processor_secret: str = _secret(
        "sandbox: the secret shared with that world, at least 32 characters"
    )
    features: str = _setting(
        "", "packages that bring features: their names in recoup.features, by commas; empty: none"
    )
    world: str = _setting(
        "sandbox", "world of commands: sandbox or live; `recoup --live COMMAND` sets it"
    )
    public_url: str = _setting("", "public address of this installation; empty: http://host:port")
    allowed_hosts: str = _setting(
        "", "more accepted Host names, like a.example, *.b.example, or * for any"
    )
    metrics_address: str = _setting(
        "", "address:port of /metrics; empty: the main port, for this machine only"
    )
    worker_metrics_address: str = _setting(
        "",
        "address:port of /metrics of `recoup worker`; empty: none. In `recoup up` the doors serve "
        "it",
    )
    tls_cert: str = _setting("", "PEM certificate chain; with tls_key it enables TLS")
    tls_key: str = _setting("", "PEM private key")
    behind_proxy: str = _setting(
        "", "proxies whose X-Forwarded-* headers are trusted: CIDRs separated by commas"
    )
    http_connections: int = _setting(
        0, "maximum HTTP connections; 0: as many as file handles allow, up to 10000"
    )
    http_connections_per_address: int = _setting(
        256,
        "maximum HTTP connections from one address (an IPv6 /64), except proxies of behind_proxy",
    )
    doors: int = _setting(
        0,
        "processes that answer HTTP; 0: one a core, "
        "at least 2, and 1 while only this machine calls",
    )
    drain_seconds: int = _setting(
        -1,
        "seconds that /readyz answers 503 before shutdown; -1: 5, or 0 while only this machine can "
        "call",
    )
    visa_limit: int = _setting(
        20, "maximum Visa attempts per card and amount in 30 days; 15 is safer"
    )
    expiry_max_days: int = _setting(30, "maximum expiryDateUtc, in days from now")
    refund_cap_percent: int = _setting(0, "maximum partial refund in percent of the order; 0: none")
    file_rows_max: int = _setting(
        20_000_000, "maximum stored rows of one merchant's imports, uploads and statements"
    )
    rate_per_second: int = _setting(
        2000, "calls per second for each API key, at all doors of a machine"
    )
    payer_calls_per_minute: int = _setting(
        300,
        "calls of /v1/tokenize per minute by a tokenization key from one address (an IPv6 /64)",
    )
    single_use_reads: bool = _setting(True, "stablecoin API: a GET's signature is valid once")
    loopback_webhooks: str = _setting(
        "auto",
        "sandbox: webhooks to http://127.0.0.1: yes, no, auto (while only this machine can call)",
    )
    sign_up: bool = _setting(True, "whether anybody can create a sandbox account at /signup")
    connections: int = _setting(
        12, "database connections of each process; a third of a door's only read"
    )
    smtp_host: str = _setting("", "mail server, in the sandbox on loopback only; empty: none")
    smtp_port: int = _setting(587, "port of the mail server")
    smtp_user: str = _setting("", "user at the mail server; empty: no authentication")
    smtp_password: str = _secret("password of smtp_user")
    smtp_from: str = _setting("", "sender address of e-mails")
    smtp_tls: str = _setting("starttls", "starttls, implicit, or none on loopback")
    sms_url: str = _setting("", "HTTPS address that SMS are posted to, live only; empty: none")
    sms_secret: str = _secret("key that signs SMS, at least 32 characters")
    digest_hour: int = _setting(8, "default hour of daily digests, in each person's zone")
    training: str = _setting(
        "auto",
        "nightly training: off; candidate stores a better model for `recoup learn take`; take uses "
        "it; "
        "auto: candidate, for the risk check take",
    )
    training_hour: int = _setting(3, "hour of the nightly training, UTC")
    log_level: str = _setting("info", "debug, info, warning or error")
    routes: tuple[RouteSettings, ...] = _setting(
        (), "card routes, as [[routes]] in the file (docs/processors.md)"
    )
    channels: tuple[Any, ...] = _setting((), "stablecoin chains, as [[channels]] in the file")
    origins: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_local(self) -> bool:
        """True when only this machine calls."""
        return (
            self.host in LOOPBACK
            and urlsplit(self.url).hostname in LOOPBACK
            and not self.behind_proxy
        )

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
        """True when webhooks may go to loopback. Who can sign up could post to this machine's own
        ports and read the answers: only while they are on it."""
        own = self.is_local
        return own if self.loopback_webhooks == "auto" else self.loopback_webhooks == "yes"

    @property
    def url(self) -> str:
        scheme = "https" if self.tls_cert else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"{scheme}://{host}:{self.port}").rstrip("/")


SECRETS: Final = frozenset(spec.name for spec in fields(Settings) if spec.metadata.get("secret"))
# What else is given or handed on in the environment.
VARIABLES: Final = frozenset({
    "RECOUP_CONFIG", "RECOUP_KEYS", "RECOUP_KEYS_FILE", "RECOUP_CHAIN_PASSWORD",
    "RECOUP_CHAIN_PASSWORD_FILE",
    "RECOUP_SHARED_COUNTS", "RECOUP_READY", "RECOUP_STOOD_STILL", "RECOUP_APP_KEY",
    "RECOUP_APP_SECRET", "RECOUP_AT",
})  # fmt: skip
# Every whole number among them.
RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "port": (0, 65535), "smtp_port": (1, 65535), "http_connections": (0, 100_000),
    "http_connections_per_address": (1, 100_000), "doors": (0, 64), "drain_seconds": (-1, 3_600),
    "visa_limit": (1, 20),
    "expiry_max_days": (1, 366), "refund_cap_percent": (0, 100), "file_rows_max": (1, 10**12),
    "rate_per_second": (1, 1_000_000), "payer_calls_per_minute": (1, 100_000_000),
    "connections": (2, 1_000), "replica_late_seconds": (0, 600),
    "digest_hour": (0, 23), "training_hour": (0, 23),
}  # fmt: skip
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "world": ("sandbox", "live"), "training": ("off", "candidate", "take", "auto"),
    "loopback_webhooks": ("auto", "yes", "no"), "log_level": ("debug", "info", "warning", "error"),
}  # fmt: skip
_HOST: Final = re.compile(r"(?:\[[^\[\]]*\]|[^:@\[\]]*)(?::[0-9]{0,5})?")
_HIDDEN: Final = (
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
)  # parts of the names of what a URL tells in its query


def without_secrets(name: str, value: str) -> str:
    """A setting to be shown: no password or secret, nor any in a URL, however it was written
    there."""
    if name.endswith(("_password", "_secret")):
        return "***" if value else ""
    value = re.sub(r"(://[^:/@?#]*):.*@", r"\1:***@", value, flags=re.DOTALL)
    return re.sub(r"([?&;])([^=&;]+)=[^&;]*", _without_secret, value)


def _without_secret(match: re.Match[str]) -> str:
    hidden = any(word in unquote(match[2]).lower() for word in _HIDDEN)
    return f"{match[1]}{match[2]}=***" if hidden else match[0]


def shown_setting(name: str, value: Any) -> str:
    """Setting for `recoup settings`, without secrets."""
    if name == "routes":
        return shown(value)
    if name == "channels":
        return ", ".join(map(str, value))
    return without_secrets(name, str(value))


_TRUTHS: Final = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(
    ("", "0", "false", "no", "off"), False
)


def settings_file(data_dir: Path) -> Path:
    return Path(os.environ.get("RECOUP_CONFIG") or data_dir / "recoup.toml")


def load_settings(config: Path | None = None, **flags: Any) -> Settings:
    """`flags` (command line) win over the environment, that over the file. None means not given.
    Raises: Problem(invalid) naming the setting."""
    given = {name: value for name, value in flags.items() if value is not None}
    data_dir = Path(given.get("data_dir") or os.environ.get("RECOUP_DATA_DIR") or ".recoup")
    path = config or settings_file(data_dir)
    listed: dict[str, Any] = {}
    try:
        listed = tomllib.loads(path.read_text())
    except FileNotFoundError:
        pass
    except OSError as error:
        raise invalid(
            f"{path} cannot be read: {error.strerror}.", str(path), "Let Recoup's user read it."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise invalid(
            f"{path} is not TOML: {error}.",
            str(path),
            "Write lines like port = 8500, or remove the file.",
        ) from None
    known = {f.name: f for f in fields(Settings) if f.name != "origins"}
    _check_variables(known)
    unknown = sorted(set(listed) - set(known) - {f"{name}_file" for name in SECRETS})
    if unknown:
        raise invalid(
            f"{path} has an unknown setting {unknown[0]!r}.",
            unknown[0],
            "`recoup settings` lists all settings.",
        )
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name in ("routes", "channels"):
        del known[name]
        values[name], origins[name] = (), str(path) if name in listed else "default"
    if "routes" in listed:
        values["routes"] = read_routes(listed["routes"], path.parent)
    for name, spec in known.items():
        setting = _found(name, given, listed, path)
        origins[name] = setting[1] if setting else "default"
        if setting:
            values[name] = _as(name, spec.default, setting[0])
    _check(values)
    if named := [name.strip() for name in values.get("features", "").split(",") if name.strip()]:
        install(named)
        check_translations()
    if "channels" in listed:
        values["channels"] = _of_feature("channels")(listed["channels"])
    return Settings(**values, origins=origins)


def _check_variables(known: Iterable[str]) -> None:
    """Raises: Problem(invalid) for a variable that sets nothing."""
    names = {
        f"RECOUP_{name.upper()}" for name in known if name not in ("routes", "channels")
    } | VARIABLES
    names |= {f"RECOUP_{name.upper()}{FILE}" for name in SECRETS}
    for variable in sorted(os.environ):
        if variable.startswith("RECOUP_") and variable not in names:
            like = nearest(variable, sorted(names))
            cure = (
                f"Did you mean {like}? Else remove it."
                if like
                else "`recoup settings` lists all settings."
            )
            raise invalid(f"There is no setting {variable}.", variable, cure)


def _found(
    name: str, given: Mapping[str, Any], listed: Mapping[str, Any], path: Path
) -> tuple[Any, str] | None:
    """A setting's value and where it comes from; None where nothing sets it. Raises:
    Problem(invalid)."""
    variable, file = f"RECOUP_{name.upper()}", f"{name}_file"
    if name in given:
        return given[name], "command line"
    if name in SECRETS and (named := os.environ.get(variable + FILE, "")):
        return secret_of(os.environ, variable), f"file {named}"
    if variable in os.environ:
        return os.environ[variable], variable
    if name in SECRETS and listed.get(file):
        if name in listed:
            raise given_twice(name)
        named = str(path.parent / str(listed[file]))
        return read_secret(Path(named), file), f"file {named}"
    return (listed[name], str(path)) if name in listed else None


def _of_feature(name: str) -> Callable[[object], tuple[Any, ...]]:
    return next(tables[name] for tables in SETTING if name in tables)


def _check(values: dict[str, Any]) -> None:
    """Raises: Problem(invalid) for a value that no door could work with."""
    for name, (least, most) in RANGES.items():
        if not least <= values.get(name, least) <= most:
            raise invalid(
                f"{name} must be between {least} and {most}, not {str(values[name])[:20]}.",
                name,
                "Remove it to use the default.",
            )
    _check_databases(values)
    for name in ("metrics_address", "worker_metrics_address"):
        host, _, port = values.get(name, "").rpartition(":")
        if values.get(name) and not (host and port.isdigit() and int(port) <= 65535):
            raise invalid(
                f"{name} must be address:port, not {values[name]!r}.",
                name,
                "Write it like 127.0.0.1:9400.",
            )
    if values.get("behind_proxy"):
        Proxies(values["behind_proxy"])
    for name, words in WORDS.items():
        if str(values.get(name, words[0])).lower() not in words:
            message = (
                f"{name} must be {', '.join(words[:-1])} or {words[-1]}, not {values[name]!r}."
            )
            raise invalid(message, name, "Set it to one of these.")


def _check_databases(values: dict[str, Any]) -> None:
    """Raises: Problem(invalid), which does not repeat the address: it may hold a password."""
    for name in (
        "database_url",
        "people_database_url",
        "sandbox_database_url",
        "live_database_url",
        "replica_url",
        "pooler_url",
    ):
        if values.get(name) and not _is_database(values[name]):
            raise Problem(
                "invalid",
                f"{name} is not a PostgreSQL URL.",
                field=name,
                cure="Write postgresql://user:password@host:5432/name; in user and password, "
                "percent-encode "
                "signs like / @ : ? # (%2F %40 %3A %3F %23).",
            )


def _is_database(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    hosts = parts.netloc.rpartition("@")[2].split(",")
    return parts.scheme in ("postgresql", "postgres") and all(
        _HOST.fullmatch(host) for host in hosts
    )


def _as(name: str, default: Any, value: Any) -> Any:
    if isinstance(default, bool):
        if str(value).lower() not in _TRUTHS:
            raise invalid(
                f"The setting {name} must be true or false, not {value!r}.",
                name,
                "Write true or false.",
            )
        return _TRUTHS[str(value).lower()]
    try:
        return type(default)(value) if not isinstance(default, Path) else Path(value)
    except (TypeError, ValueError):
        kind = "a whole number" if isinstance(default, int) else type(default).__name__
        raise invalid(
            f"The setting {name} must be {kind}, not {value!r}.",
            name,
            "`recoup settings` describes each setting.",
        ) from None
