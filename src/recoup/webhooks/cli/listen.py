"""`recoup listen`: forwards a merchant's events to an address of this machine, signed as webhooks
are.

All it needs is the address of a Recoup and an API key: it asks for events as they happen, and posts
each one on.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import click
from msgspec import Meta

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.texts import is_printable, parse_whole
from recoup.kernel.time import Clocks, WallTime
from recoup.kit.cli.command import command
from recoup.kit.cli.parameters import Option, OutFolder

WAIT_SECONDS: Final = 25
ANSWER_SECONDS: Final = 10.0  # of the receiver, as of a webhook
PAUSES: Final = (1, 2, 4, 8, 15, 30)  # before it asks again
SKEW_SECONDS: Final = 240  # receivers allow five minutes
PAUSE_MAX: Final = 60  # that an answer may ask for
PATH: Final = "/v1/events/listen"
_FAILS: Final = (OSError, HTTPException)  # URLError is one, and so is a time that is over


@command()
def listen(
    *,
    url: Annotated[
        str | None,
        "Where events are posted, like http://localhost:3000/hooks. "
        "Default: they are printed only.",
    ] = None,
    at: Annotated[
        str | None,
        Option(
            "Address of the Recoup. Default: the one in bootstrap.json, else port 8400 here.",
            envvar="RECOUP_AT",
        ),
    ] = None,
    key: Annotated[
        str | None,
        Option(
            "The app key; its secret is read from RECOUP_APP_SECRET, or asked for.",
            envvar="RECOUP_APP_KEY",
        ),
    ] = None,
    events: Annotated[
        tuple[str, ...], "Only these events, with commas between; may be repeated."
    ] = (),
    format: Literal["rescue", "rescue-text", "standard"] = "rescue",
    after: Annotated[
        int | None,
        Meta(ge=0, le=10**13 - 1),
        "Number after which to begin. Default: from now on.",
    ] = None,
    print_json: Annotated[bool, "Print each event's body too."] = False,
    print_secret: Annotated[bool, "Print the signing key alone, and end."] = False,
    data_dir: Annotated[OutFolder | None, "Folder of bootstrap.json."] = None,
) -> None:
    """Forwards a merchant's events to an address of this machine, signed as webhooks. It wants an
    API key, no data; Ctrl-C ends it."""
    kept = _kept(data_dir or Path(os.environ.get("RECOUP_DATA_DIR") or ".recoup"))
    at = (at or str(kept.get("base_url") or "http://127.0.0.1:8400")).rstrip("/")
    if url is not None:
        _check_address(url, "url")
    _check_address(at, "at")
    source = _Source(at, *_credential(key, kept))
    if print_secret:
        try:
            click.echo(source.ask({})["signingKey"])
        except _FAILS as error:
            raise Problem("unavailable", _unreachable(at, error)) from None
        return
    names = [name for given in events for name in given.replace(",", " ").split()]
    host = urlsplit(url).netloc.rpartition("@")[2] if url else "localhost"
    query: dict[str, Any] = {"format": format, "host": host, "event": names}
    with until_ended():
        for event in _events(source, query, after, url):
            click.echo(f"{time.strftime('%H:%M:%S')}  {_forward(url, event)}")
            if print_json:
                click.echo(event["body"])
    click.echo("Ended.")


@contextmanager
def until_ended() -> Iterator[None]:
    """Ends at SIGINT or SIGTERM. An exception that comes while Python runs a finaliser is lost:
    another follows it."""

    def end(_signal: int, _frame: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 1, 1)
        raise KeyboardInterrupt

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(name, end)
    with suppress(KeyboardInterrupt):
        yield
    signal.setitimer(signal.ITIMER_REAL, 0)


def _kept(folder: Path) -> dict[str, Any]:
    """Reads what an installation on this machine wrote down of its merchant; empty without one."""
    with suppress(OSError, ValueError):
        bootstrap = json.loads((folder / "bootstrap.json").read_text())
        return bootstrap if isinstance(bootstrap, dict) else {}
    return {}


def _credential(key: str | None, kept: dict[str, Any]) -> tuple[str, str]:
    """Raises: Problem(invalid)."""
    if key is not None and ":" in key:
        cure = "Give the app key alone; its secret is read from RECOUP_APP_SECRET, or asked for."
        raise invalid(
            "A secret among the options can be read in the list of processes.", "key", cure
        )
    key = key or str(kept.get("app_key") or "") or str(click.prompt("App key", err=True))
    secret = os.environ.get("RECOUP_APP_SECRET")
    if not secret and key == kept.get("app_key"):
        secret = str(kept["app_secret"])
    key, secret = (
        key.strip(),
        (secret or str(click.prompt("App secret", hide_input=True, err=True))).strip(),
    )
    for name, text in (("key", key), ("RECOUP_APP_SECRET", secret)):
        if not is_printable(text):
            raise invalid("It has characters that no key has.", name, "Copy it again.")
    return key, secret


def _check_address(url: str, name: str) -> None:
    """Raises: Problem(invalid)."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if (
            parts.scheme in ("http", "https")
            and parts.hostname
            and is_printable(url)
            and " " not in url
        ):
            assert parts.port is None or parts.port >= 0
            return
    raise invalid(
        Sentence("{0} is no address.", repr(url[:200])),
        name,
        "Write it like http://localhost:3000/hooks.",
    )


class _NoRedirects(HTTPRedirectHandler):
    """A redirect is an answer like any other."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


@frozen
class _Source:
    """The Recoup to call, and by which key."""

    at: str
    key: str
    secret: str

    def ask(self, query: dict[str, Any]) -> dict[str, Any]:
        """Raises: Problem, in the API's own words; OSError."""
        headers = {
            "authorization": f"ApiKey {self.key}:{self.secret}",
            "accept": "application/json",
        }
        url = f"{self.at}{PATH}?{urlencode(query, doseq=True)}"
        request = Request(url, headers=headers)  # noqa: S310 - checked
        try:
            with build_opener(_NoRedirects).open(
                request, timeout=WAIT_SECONDS + ANSWER_SECONDS
            ) as answer:
                page = json.loads(answer.read())
                if isinstance(page, dict) and isinstance(page.get("data"), list):
                    return page
        except HTTPError as error:
            with error:
                raise _refusal(self.at, error) from None
        except ValueError:
            pass
        raise _no_recoup(self.at, "200")


def _refusal(at: str, error: HTTPError) -> Problem:
    """`unavailable` where it is worth asking again."""
    retry = error.headers.get("retry-after") or ""
    wanted = parse_whole(retry, 8)
    seconds = None if wanted is None else min(wanted, PAUSE_MAX)
    words = ""
    with suppress(*_FAILS, ValueError):
        body = json.loads(error.read(1 << 20))
        fields = (
            texts for name, texts in body.items() if name != "TraceId" and isinstance(texts, list)
        )
        words = str(body.get("result") or " ".join(str(text) for texts in fields for text in texts))
    again = error.code == 429 or error.code >= 500
    if not words and not again:
        return _no_recoup(at, str(error.code))
    words = words or f"{at} answers {error.code}."
    return Problem("unavailable" if again else "invalid", words, retry_after_seconds=seconds)


def _no_recoup(at: str, status: str) -> Problem:
    message = Sentence("{0} answers {1}, and not as the API of a Recoup.", at, status)
    return Problem("invalid", message, cure="Give the address of your Recoup with --at.")


def _events(
    source: _Source, query: dict[str, Any], after: int | None, url: str | None
) -> Iterator[dict[str, Any]]:
    """Yields events as they happen. Its place is kept between two calls: nothing is lost during an
    outage.

    Raises: Problem for what another call does not mend.
    """
    begun, fails = False, 0
    while True:
        begun_at = time.monotonic()
        try:
            page = source.ask(
                query if after is None else query | {"after": after, "wait": WAIT_SECONDS}
            )
        except (Problem, *_FAILS) as error:
            fails = _pause(source, error, fails)
            continue
        if fails:
            click.echo(f"{source.at} answers again.", err=True)
        fails = 0
        if not begun:
            begun = True
            click.echo(
                f"Listening to {source.at}"
                + (f", forwarding to {url}" if url else "")
                + "; Ctrl-C ends it."
            )
            click.echo(f"Signing key: {page['signingKey']}")
            ahead = (
                Clocks().wall() - WallTime(datetime.fromisoformat(page["signedAt"]))
            ) / timedelta(seconds=1)
            if abs(ahead) > SKEW_SECONDS:
                text = (
                    f"This machine's clock is {abs(ahead):.0f} s "
                    f"{'ahead of' if ahead > 0 else 'behind'} the Recoup's"
                )
                click.echo(
                    f"{text}: who checks the time of a signature refuses it. Set it by NTP.",
                    err=True,
                )
        for event in page["data"]:
            after = int(event["number"])
            yield event
        if (
            after is not None
            and not page["data"]
            and time.monotonic() - begun_at < 1
            and not page["hasMore"]
        ):
            time.sleep(1)  # it is ending, and answers whoever waits
        after = int(page["next"])


def _pause(source: _Source, error: Exception, fails: int) -> int:
    """Says why, and waits; answers the fails so far. Raises: Problem."""
    seconds = PAUSES[min(fails, len(PAUSES) - 1)]
    if isinstance(error, Problem):
        if error.code != "unavailable":
            raise error
        why = error.sentence()
        seconds = max(seconds, error.retry_after_seconds or 0)
    else:
        why = str(_unreachable(source.at, error))
    click.echo(f"{why} Trying again in {seconds} s.", err=True)
    time.sleep(seconds)
    return fails + 1


def _unreachable(at: str, error: Exception) -> Sentence:
    return Sentence("Cannot reach {0}: {1}.", at, _why(error))


def _why(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return (getattr(reason, "strerror", None) or str(reason) or type(reason).__name__).splitlines()[
        0
    ]


def _forward(url: str | None, event: dict[str, Any]) -> str:
    """Posts it; answers the line to print."""
    status = "   "
    if url is not None:
        body, headers = event["body"].encode(), event["headers"]
        request = Request(url, body, headers, method="POST")  # noqa: S310 - checked
        try:
            with build_opener(ProxyHandler({}), _NoRedirects).open(
                request, timeout=ANSWER_SECONDS
            ) as answer:
                status = str(answer.status)
        except HTTPError as error:
            error.close()
            status = str(error.code)
        except _FAILS as error:
            status = f"--- ({_why(error)})"
    return f"{status}  {event['event']:26}  {event['eventId']}  #{event['number']}"
