"""SMS by a signed call: what counts as taken, what as wrong for good, and what is sent again."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import msgspec
import pytest
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.outside.inbound import HEADER, is_signed
from recoup.outside.mail.port import Posted
from recoup.outside.sms.port import Sms
from recoup.outside.sms.webhook import WebhookSms
from recoup.outside.web.port import Answer

URL, SECRET = "https://sms.bridge.example/send", "s" * 32
ONE = Sms(UUID(int=7), "+491705550102", "Leaf", "Pay: https://pay.example/checkout/x")


class Receiver:
    """Answers every call alike."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.calls = answer, list[tuple[str, Mapping[str, str], bytes]]()

    async def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout_seconds: float = 1,
        max_answer_bytes: int = 1,
    ) -> Answer:
        self.calls.append((url, headers, body))
        return self.answer

    async def close(self) -> None: ...


@each(
    ("answer", "posted"),
    [
        (Answer(202), Posted("sent")),
        (Answer(422), Posted("refused", "answered 422")),
        (Answer(401), Posted("later", "answered 401")),
        (Answer(302), Posted("later", "answered 302")),
        (Answer(503), Posted("later", "answered 503")),
        (Answer(None, error="timeout"), Posted("later", "timeout")),
        (Answer(200, error="protocol"), Posted("later", "protocol")),
    ],
)
def test_what_becomes_of_it(answer: Answer, posted: Posted) -> None:
    receiver, clocks = Receiver(answer), Clocks()
    assert asyncio.run(WebhookSms(receiver, clocks, URL, SECRET).send_sms(ONE, 1)) == posted
    [(url, headers, body)] = receiver.calls
    assert (url, headers["idempotency-key"]) == (URL, str(ONE.id))
    assert is_signed(SECRET.encode(), headers[HEADER], body, clocks.wall())
    assert not is_signed(b"x" * 32, headers[HEADER], body, clocks.wall())
    told = {"id": str(ONE.id), "to": ONE.to, "sender": "Leaf", "text": ONE.text}
    assert msgspec.json.decode(body) == told


@pytest.mark.parametrize(
    ("url", "secret", "field"),
    [("http://sms.example", SECRET, "sms_url"), (URL, "short", "sms_secret")],
)
def test_links_to_pay_go_neither_in_the_clear_nor_unsigned(
    url: str, secret: str, field: str
) -> None:
    with pytest.raises(Problem) as problem:
        WebhookSms(Receiver(Answer(200)), Clocks(), url, secret)
    assert (problem.value.code, problem.value.field) == ("invalid", field)
