"""NMI's HTTP: forms in, forms or XML out. The security key stands in the body and nowhere else."""

from collections.abc import AsyncIterator, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import Clocks
from recoup.processors.gateways.transport import NoAnswerError, NotSentError, Reply, Transport
from recoup_connectors.plain_xml import Element, NotPlainError, read_xml

LIVE_URL: Final = "https://secure.nmi.com/api"
SANDBOX_URL: Final = "https://sandbox.nmi.com/api"
ANSWER_BYTES_MAX: Final = 4_194_304
READ_SECONDS: Final = 10.0
PAGE: Final = 100
PAGES_MAX: Final = 10_000
_FORM: Final = {"content-type": "application/x-www-form-urlencoded"}


class Api:
    def __init__(self, url: str, key: str, clocks: Clocks) -> None:
        self._url, self._key, self._clocks = url.rstrip("/"), key, clocks
        self._transport = Transport(clocks, ANSWER_BYTES_MAX)
        self.calls = set[str]()

    async def close(self) -> None:
        await self._transport.close()

    async def transact(
        self, form: Mapping[str, str | None], *, until: float, send_before: float | None = None
    ) -> Reply:
        """Posts a transaction. `until`: when the answer has to be there, on the monotonic clock.
        Raises: NotSentError, NoAnswerError."""
        self.calls.add(f"transact.php {form['type']}")
        return await self._post("transact.php", form, until, send_before)

    async def query(self, form: Mapping[str, str | None], *, until: float | None = None) -> Element:
        """Raises: NotSentError, NoAnswerError; Problem(unavailable) for an answer that is none."""
        self.calls.add("query.php" + (f" {form['report_type']}" if form.get("report_type") else ""))
        end = self._clocks.monotonic() + READ_SECONDS if until is None else until
        reply = await self._post("query.php", form, end, None)
        try:
            found = read_xml(reply.body or b"") if reply.status == 200 else None
        except NotPlainError:
            found = None
        if found is None or found.name != "nm_response":
            raise unavailable(f"HTTP {reply.status}")
        if found.at("error_response") is not None:
            raise unavailable("it refuses the question", field="security_key")
        return found

    async def _post(
        self, path: str, form: Mapping[str, str | None], until: float, send_before: float | None
    ) -> Reply:
        left = until - self._clocks.monotonic()
        if left <= 0:
            raise NotSentError("too late to send")
        given = {name: value for name, value in form.items() if value is not None}
        body = urlencode({"security_key": self._key} | given).encode()
        url = f"{self._url}/{path}"
        return await self._transport.call(
            "POST", url, _FORM, body, timeout_seconds=left, send_before=send_before
        )

    async def pages(self, form: Mapping[str, str | None]) -> AsyncIterator[list[Element]]:
        """Transactions, some at a time. Raises: Problem(unavailable) for an answer that is none, or
        a list that goes round."""
        seen = set[str]()
        for number in range(PAGES_MAX):
            try:
                found = await self.query(
                    {**form, "result_limit": str(PAGE), "page_number": str(number)}
                )
            except (NotSentError, NoAnswerError) as error:
                raise unavailable(f"{error}") from None
            page = list(found.of("transaction"))
            ids = {one.text_at("transaction_id") for one in page}
            if seen & ids or len(ids) < len(page):
                raise unavailable("a list goes round")
            seen |= ids
            yield page
            if len(page) < PAGE:
                return
        raise unavailable("a list has no end")


def form_of(reply: Reply) -> dict[str, str]:
    """An answer of transact.php; empty for what is none."""
    try:
        text = (reply.body or b"").decode("utf-8") if reply.status == 200 else ""
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=200)
    except ValueError:
        return {}
    names = [name for name, _ in pairs]
    return dict(pairs) if len(set(names)) == len(names) else {}


def unavailable(why: str, field: str | None = None) -> Problem:
    message = Sentence("NMI's answer cannot be used: {0}.", why)
    return Problem("unavailable", message, field=field, cure="Try again in a few minutes.")
