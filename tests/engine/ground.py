"""A small model and orders for the engine's tests: one payer is paid on Fridays, the others as
anybody."""

from datetime import UTC, datetime, timedelta
from typing import Any

from recoup.engine.bins import GAP, HOLDS, HOURS, IDLE, SINCE, TRIES, WEEKDAYS
from recoup.engine.blocks import sizes
from recoup.engine.model import FORMAT, Issuer, Learned, Model, Money, Refusal, Regression, checked
from recoup.engine.pay_days import BINS, COUNT, LEVELS, OUTCOMES
from recoup.engine.regression import KINDS, NODES, SLOTS
from recoup.engine.rhythms import RHYTHMS
from recoup.kernel.time import BusinessTime
from recoup.networks.codes import code_of, read_decline
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, class_of, key_of
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.facts import Facts, Look

DECLINED = datetime(2027, 3, 1, 14, 30, tzinfo=UTC)  # a Monday
ISSUER = "400088001"


def model(**changes: Any) -> Model:
    """Of the format by which `engine-1` decided."""
    holds = (0.8, *[0.0] * (len(HOLDS) - 1), 0.2)
    fresh = tuple(2.0 - 0.45 * place for place in range(len(SINCE)))
    values: dict[str, Any] = {
        "format": 2,
        "made_from": "a test",
        "data_from": "2026-10-01",
        "data_until": "2027-02-28",
        "attempts": 1000,
        "payers": 100,
        "money": Money(
            (fresh, fresh),
            ((-1.0,) * len(GAP), (-2.0,) * len(GAP)),
            (0.0,) * 3,
            ((-2.0,) * len(IDLE),) * 3,
            3.0,
            (0.8, 0.8, 1.0),
        ),
        "refusal": Refusal(
            -2.0,
            ((-2.0,) * len(GAP),) * 6,
            (0.0,) * TRIES,
            (0.0,) * HOURS,
            (0.0,) * WEEKDAYS,
            0.0,
            0.0,
        ),
        "rhythms": ((1.0 / len(RHYTHMS),) * len(RHYTHMS),) * 2,
        "generic": 0.2,
        "holds": (holds,) * 6,
        "holds_by_code": {"51": holds},
        "held_answers": ((0.0, 0.2, 0.2, 0.2, 0.2, 0.2),) * 6,
        "issuers": {
            ISSUER: Issuer(
                500, 0.0, (0.0,) * HOURS, (0.0,) * WEEKDAYS, 0.2, ((1.0,) * (len(HOLDS) + 1),) * 6
            )
        },
    }
    return checked(Learned(**(values | changes)))


AT_EVEN = 1  # the node where the bank is neither more nor less willing


def regression(**changes: Any) -> Regression:
    """One that says nothing; `changes` may name blocks, each a row of its places. It knows a code
    and an issuer."""
    keys, issuers = changes.setdefault("keys", ("51",)), changes.setdefault("issuers", (ISSUER,))
    tables = {
        name: changes.pop(name, (0.0,) * size)
        for name, size in sizes(len(keys) + 1, len(issuers) + 1).items()
    }
    values: dict[str, Any] = {
        "tries": 5000,
        "weight": 0.5,
        "pays": (1.0 / OUTCOMES,) * (KINDS * OUTCOMES * LEVELS * BINS),
        "habits": (1.0 / (COUNT * LEVELS),) * (COUNT * LEVELS),
        "bias": 0.0,
        "tables": tables,
        "lines": (0.0, 0.0),
        "nodes": nodes(changes.pop("at", (AT_EVEN,))) * (6 * (len(keys) + 1)),
        "slots": (True,) * SLOTS,
    }
    return Regression(**(values | changes))


def nodes(at: tuple[int, ...]) -> tuple[float, ...]:
    """Orders stand at those alike."""
    return tuple(1.0 / len(at) if node in at else 0.0 for node in range(NODES))


def mixed_model(given: Regression | None, **changes: Any) -> Model:
    return model(format=FORMAT, regression=given, **changes)


def fridays(number: int) -> tuple[Look, ...]:
    """Money was there on so many Friday noons, and not on the Wednesdays before."""
    friday = datetime(2027, 2, 26, 17, 0, tzinfo=UTC)
    found = []
    for week in reversed(range(number)):
        noon = friday - timedelta(weeks=week)
        found += [Look(noon - timedelta(days=2), FUNDS, 0), Look(noon, APPROVED, 1)]
    return tuple(found)


def evidence(code: str = "51", **changes: Any) -> Evidence:
    facts = {name: changes.pop(name) for name in list(changes) if name in Facts.__slots__}
    advice = changes.pop("advice", None)
    scheme = "visa" if advice is None else "mastercard"
    reading = read_decline(
        scheme=scheme, code=code_of(None, code), text=None, advice=advice, on=DECLINED.date()
    )
    values: dict[str, Any] = {
        "kind": "managed_mit",
        "reading": reading,
        "first_declined_at": DECLINED,
        "started_at": DECLINED,
        "now": BusinessTime(DECLINED),
        "expires_at": DECLINED + timedelta(days=28),
        "units": 4590,
        "currency": "USD",
        "utc_offset": -300,
        "facts": Facts(
            **{
                "first": Look(DECLINED, class_of(reading), 0),
                "first_key": key_of(reading),
                "issuer": ISSUER,
                "zone_known": True,
                **facts,
            }
        ),
    }
    return Evidence(**(values | changes))
