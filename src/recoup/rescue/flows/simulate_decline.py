"""A payment that the sandbox declined, handed over as a merchant's program would: by the flow of
/evaluate."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.audit.moves import note
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import WallTime
from recoup.kernel.worth import amount_max
from recoup.kit.world import World
from recoup.merchants.store.merchants import MerchantSettings
from recoup.networks.magic_methods import id_of
from recoup.networks.simulation import ANSWERS, KINDS, SCHEMES, card_for, codes_of
from recoup.processors.gateways.credential import Stored
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.taken import EvaluateRequest, EvaluateResult, Person
from recoup.rescue.rules.intake import kind_of

FORM_LASTS: Final = timedelta(days=1)
RESCUE_DAYS: Final = 21
EXPIRY_YEARS: Final = 4


@frozen
class Simulated:
    """`kind`, `answer` as `networks.simulation` has them; `units` minor units of US dollars;
    `key` a UUIDv7 of whoever sends it: what comes twice with it is one order, dated by it."""

    scheme: str
    code: str
    kind: str
    answer: str
    units: int
    key: UUID


async def simulate_decline(
    world: World,
    evaluate: Evaluate,
    scope: Scope,
    settings: MerchantSettings,
    simulation: Simulated,
) -> EvaluateResult:
    """Raises: Problem(forbidden) outside a sandbox; Problem(invalid) naming scheme, code, kind,
    answer, amount or key; what /evaluate raises."""
    if not (world.policy.test_mode and world.policy.magic_inputs):
        raise Problem(
            "forbidden", "Declines can be simulated only in the sandbox.", cure="Go to the sandbox."
        )
    _check(simulation)
    made = _made(simulation.key)
    if made is None or abs(world.clocks.wall() - WallTime(made)) > FORM_LASTS:
        raise invalid("This form has expired.", "key", "Reload the page and send it again.")
    given = _declined(simulation, settings.merchant.business(made), vault=world.keys.has_vault)
    kind = kind_of(
        settings.merchant.mit_mode, given.is_mit, given.order_source, given.expires_at is not None
    )
    if kind != simulation.kind:
        raise invalid(
            "This merchant handles all recurring payments in the other mode.",
            "kind",
            Sentence("Choose {0}.", kind),
        )
    result = await evaluate.evaluate(scope, given)
    async with world.db.transaction() as tx:
        details = {"scheme": simulation.scheme, "code": simulation.code, "kind": simulation.kind}
        await note(tx, scope, world.clocks.wall(), "decline.simulated", result.order_id, details)
    return result


def _check(simulation: Simulated) -> None:
    for name, given, choices in (
        ("scheme", simulation.scheme, SCHEMES),
        ("kind", simulation.kind, KINDS),
        ("answer", simulation.answer, ANSWERS),
    ):
        if given not in choices:
            raise invalid(
                Sentence("There is no {0} {1}.", name, repr(given[:32])),
                name,
                "Choose one of the list.",
            )
    if simulation.code not in codes_of(simulation.scheme):
        raise invalid(
            Sentence(
                "{0} is not a decline code of {1} for test cards.",
                repr(simulation.code[:8]),
                simulation.scheme,
            ),
            "code",
            "Choose one of the list.",
        )
    if not 1 <= simulation.units <= amount_max("USD"):
        raise invalid("The amount is out of bounds.", "amount", "Enter an amount like 45.90.")


def _made(key: UUID) -> WallTime | None:
    """Time at which a UUIDv7 was made; None for any other id."""
    if key.version != 7:
        return None
    try:
        return WallTime(datetime.fromtimestamp((key.int >> 80) / 1000, UTC))
    except (ValueError, OverflowError):
        return None


def _declined(simulation: Simulated, now: datetime, *, vault: bool) -> EvaluateRequest:
    """The simulated decline as a request. Not drawn: the same form again means the same payment.
    Without a vault by a stored method."""
    mark, number = (
        simulation.key.hex[-12:],
        card_for(simulation.scheme, simulation.code, simulation.answer),
    )
    by_customer = simulation.kind.startswith("cit")
    return EvaluateRequest(
        external_id=f"SIM-{mark}",
        key=f"simulated-{simulation.key}",
        is_mit=not by_customer,
        order_source="callcenter" if simulation.kind == "cit_callcenter" else "ecommerce",
        expires_at=now + timedelta(days=RESCUE_DAYS) if simulation.kind == "mit_managed" else None,
        units=simulation.units,
        currency="USD",
        token_id=None,
        pan=number if vault else None,
        method=None if vault else Stored("sandbox", id_of(number) or ""),
        cvv="123" if by_customer and vault else "",
        exp_month=12,
        exp_year=now.year + EXPIRY_YEARS,
        transaction_id=f"sim-{mark}",
        decline={
            "code": simulation.code,
            "source": simulation.scheme,
            "text": "",
            "advice": None,
            "at": now.isoformat(),
        },
        site_id=None,
        site_url=None,
        descriptor=None,
        payer=Person(
            first_name="Simon",
            last_name="Sample",
            email=f"simon-{mark}@example.test",
            ip="192.0.2.1",
        ),
        facts={"is_recurring": not by_customer, "transaction_type": "PURCHASE"},
    )
