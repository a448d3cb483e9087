"""Codes of the app after RFC 6238, recovery codes that can be read aloud, and what is typed by hand
or by malice."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kit.whence import ADDRESS_MAX, address_words, browser_words
from recoup.people.rules.codes import HOW_MANY, LENGTH, Typed, read_code, recovery_code, shown
from recoup.people.rules.totp import (
    DRIFT_STEPS,
    STEP_SECONDS,
    address_of,
    code_of,
    in_fours,
    new_secret,
    step_at,
    step_of,
)
from recoup.people.rules.who_must import Bound, must_have, must_set_up

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890", the RFC's
# RFC 6238, appendix B, SHA-1: the last six of its eight digits
VECTORS = [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
           (2000000000, "279037"), (20000000000, "353130")]  # fmt: skip


@each(("seconds", "code"), VECTORS)
def test_the_vectors_of_the_standard(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert step_of(SECRET, code, at) == step_at(at) == seconds // 30


@given(st.integers(1_000, 4_000_000_000), st.integers(-4, 4))
def test_a_phone_may_be_one_step_off_and_no_more(seconds: int, off: int) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    step = step_at(at) + off
    found = step_of(SECRET, code_of(SECRET, step), at)
    near = [
        one
        for one in range(step_at(at) - 1, step_at(at) + 2)
        if code_of(SECRET, one) == code_of(SECRET, step)
    ]
    assert found == (near[-1] if near else None)
    if abs(off) <= DRIFT_STEPS:
        assert found is not None


def test_a_code_of_another_secret_opens_nothing() -> None:
    now = datetime.now(UTC)
    other = new_secret()
    assert other != SECRET
    assert len({new_secret() for _ in range(50)}) == 50
    wrong = [step_of(other, code_of(SECRET, step_at(now) + n), now) for n in (-1, 0, 1)]
    assert wrong.count(None) >= 2  # a coincidence is one in a third of a million


@each(
    ("typed", "kind", "text"),
    [
        ("123456", "app", "123456"),
        (" 123 456 ", "app", "123456"),
        ("123-456", "app", "123456"),
        ("123\u00a0456", "app", "123456"),
        ("abcde-fghjk", "recovery", "abcdefghjk"),
        ("ABCDE FGHJK", "recovery", "abcdefghjk"),
        ("oil01-23456", "recovery", "0110123456"),
        ("1234567890", "recovery", "1234567890"),
    ],
)
def test_what_is_typed_by_hand_is_understood(typed: str, kind: str, text: str) -> None:
    assert read_code(typed) == Typed(kind, text)  # type: ignore[arg-type]


@each(
    "typed",
    [
        "",
        " ",
        "12345",
        "1234567",
        "12345a",
        "\u0661\u0662\u0663\u0664\u0665\u0666",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "12345\u00b2",
        "abcde-fghj",
        "abcde-fghjkm",
        "abcde-fghju",
        "\u0430bcde-fghjk",
        "1" * 10_240,
        "\x00" * 6,
        "-1" + "2" * 62,
    ],
)
def test_what_can_be_no_code_is_none(typed: str) -> None:
    """Digits of other scripts are digits to Python, not to the app."""
    assert read_code(typed) is None


@given(st.binary(min_size=7, max_size=32))
def test_a_recovery_code_is_read_back_as_it_was_shown(chance: bytes) -> None:
    code = recovery_code(chance)
    assert len(code) == LENGTH
    assert read_code(shown(code)) == Typed("recovery", code)
    assert read_code(shown(code).upper()) == Typed("recovery", code)


def test_recovery_codes_use_all_their_bits() -> None:
    assert recovery_code(b"\x00" * 7) == "0" * LENGTH
    assert recovery_code(b"\xff" * 7) == "z" * LENGTH
    flipped = {recovery_code((1 << bit).to_bytes(7, "big")) for bit in range(50)}
    assert len(flipped) == 50
    assert HOW_MANY == 10


def test_what_the_picture_says() -> None:
    address = address_of(SECRET, "ann+shop@example.test", "Recoup pay.example:8443")
    parts = urlsplit(address)
    asked = parse_qs(parts.query)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert asked["secret"] == [SECRET]
    assert asked["issuer"] == ["Recoup pay.example 8443"]
    assert asked.get("digits", ["6"]) == ["6"]
    assert asked.get("period", [str(STEP_SECONDS)]) == [str(STEP_SECONDS)]
    assert "ann" in parts.path
    assert in_fours(SECRET).replace(" ", "") == SECRET


@each(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
            "Gecko)"
            " Version/18 Safari/605",
            "Safari on Mac",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/140 Safari/537 Edg/140",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140 "
            "Mobile Safari/537",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18 "
            "Mobile Safari/604",
            "Safari on iPhone",
        ),
        ("curl/8.5.0", "Curl"),
        ("", "An unknown browser"),
        ("<script>" * 4000, "An unknown browser"),
        ("x" * 100_000 + "Firefox", "An unknown browser"),
        ("A thing on Windows", "A browser on Windows"),
    ],
)
def test_browsers_in_short_words(agent: str, words: str) -> None:
    assert browser_words(agent) == words


@given(st.text(max_size=300))
def test_an_address_is_short_and_plain(text: str) -> None:
    assert 0 < len(address_words(text)) <= ADDRESS_MAX
    assert address_words(text).isascii()


@each("has", [True, False])
@each("asked_by", [(), ("Shop",)])
@each("is_staff", [True, False])
@each("staff_must", [True, False])
def test_who_must(has: bool, asked_by: tuple[str, ...], is_staff: bool, staff_must: bool) -> None:
    bound = Bound(has, asked_by, is_staff)
    asked = bool(asked_by) or (is_staff and staff_must)
    assert must_have(bound, staff_must=staff_must) is asked
    assert must_set_up(bound, staff_must=staff_must) is (asked and not has)


def test_a_step_is_half_a_minute() -> None:
    at = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
    assert step_at(at + timedelta(seconds=29.9)) == step_at(at)
    assert step_at(at + timedelta(seconds=30)) == step_at(at) + 1
