"""A code is looked at and used up: of the app, or a recovery code. And how recovery codes are
made."""

from typing import Any, Final
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.problem import Problem, invalid
from recoup.kit.world import World
from recoup.people.flows.account_log import note
from recoup.people.flows.throttle import (
    CODES_REMEMBERED,
    TRIES_ADDRESS,
    TRIES_CODE,
    TRIES_CODE_DAY,
    bucket_of,
    charge,
    forgive,
)
from recoup.people.rules.codes import HOW_MANY, Typed, read_code, recovery_code
from recoup.people.rules.totp import step_of
from recoup.people.store.second_factors import factor_of, factor_state, spend_recovery, spend_step

_TOO_MANY: Final = "Too many codes were wrong. A recovery code opens at once, a code of the app in"


def typed_code(text: str) -> Typed:
    """Raises: Problem(invalid) for what can be no code: nothing is counted."""
    typed = read_code(text)
    if typed is None:
        raise invalid(
            "A code from the app has six digits; a recovery code has ten letters and digits.",
            "code",
        )
    return typed


async def charge_code(world: World, user_id: UUID, address: str, typed: Typed) -> None:
    """Charges one attempt, by address; with a code of the app by person, too. Recovery codes are
    too many to guess: a person who is shut out by somebody's guesses gets in with one. Who runs out
    of attempts hears of it by mail, once a day.

    Raises: Problem(too_many_requests).
    """
    who = str(user_id)
    try:
        await charge(
            world.people.alone,
            world,
            bucket_of(world, "code-address", address),
            TRIES_ADDRESS,
            _TOO_MANY,
        )
        if typed.kind == "app":
            await charge(
                world.people.alone, world, bucket_of(world, "code", who), TRIES_CODE, _TOO_MANY
            )
            await charge(
                world.people.alone,
                world,
                bucket_of(world, "code-day", who),
                TRIES_CODE_DAY,
                _TOO_MANY,
                CODES_REMEMBERED,
            )
    except Problem:
        if typed.kind == "app":
            await _tell(world, user_id)
        raise


async def _tell(world: World, user_id: UUID) -> None:
    """Notifies the person, once a day."""
    async with world.people.transaction() as tx:
        try:
            await charge(
                tx, world, bucket_of(world, "code-told", str(user_id)), 1, "", CODES_REMEMBERED
            )
        except Problem:
            return
        await note(tx, world, user_id, "codes_guessed")


async def spend(tx: Tx, world: World, user_id: UUID, typed: Typed, **facts: Any) -> None:
    """Spends a code under the person's lock. The code is right and was never used; from now on it
    is. Attempts are forgiven.

    Raises: Problem(bad_credentials), naming the field `code`.
    """
    if typed.kind == "app":
        await _spend_step(tx, world, user_id, typed.text)
    else:
        await _spend_recovery(tx, world, user_id, typed.text, **facts)
    await forgive_codes(tx, world, user_id)


async def forgive_codes(tx: Tx, world: World, user_id: UUID) -> None:
    await forgive(tx, *(bucket_of(world, kind, str(user_id)) for kind in ("code", "code-day")))


async def _spend_step(tx: Tx, world: World, user_id: UUID, code: str) -> None:
    factor = await factor_of(tx, user_id)
    if factor is None or factor.sealed_secret is None:
        raise wrong_code()
    step = step_of(open_secret(world, user_id, factor.sealed_secret), code, world.clocks.wall())
    if step is None:
        raise wrong_code()
    if not await spend_step(tx, user_id, step):
        raise Problem(
            "bad_credentials",
            "This code was already used.",
            "Wait for the next one: at most 30 seconds.",
            field="code",
        )


async def _spend_recovery(tx: Tx, world: World, user_id: UUID, code: str, **facts: Any) -> None:
    became = await spend_recovery(tx, user_id, hash_of(world, user_id, code), world.clocks.wall())
    if became == "used":
        raise Problem(
            "bad_credentials",
            "This recovery code was already used; each works once.",
            "Use another one from your list.",
            field="code",
        )
    if became == "unknown":
        raise Problem(
            "bad_credentials",
            "This is not one of your recovery codes.",
            "Check your latest list: new codes replace the old ones.",
            field="code",
        )
    state = await factor_state(tx, user_id)
    await note(tx, world, user_id, "recovery_code_used", codes_left=state.codes_left, **facts)


def wrong_code() -> Problem:
    cure = (
        "Enter the code that the app shows now. If no code works, set the phone's clock to "
        "automatic."
    )
    return Problem(
        "bad_credentials", "This code is wrong, or its 30 seconds are over.", cure, field="code"
    )


def recovery_codes(world: World, user_id: UUID, key: str) -> list[str]:
    """Ten, always the same for a form's key: a form that is sent twice gets one list. Without our
    keys nobody can."""
    return [
        recovery_code(world.keys.mac("recovery code", user_id.bytes + bytes([n]) + key.encode()))
        for n in range(HOW_MANY)
    ]


def hash_of(world: World, user_id: UUID, code: str) -> bytes:
    return world.keys.secret_hash(f"recovery:{user_id}:{code}")


def key_hash(world: World, user_id: UUID, key: str) -> bytes:
    return world.keys.secret_hash(f"recovery-form:{user_id}:{key}")


def seal(world: World, user_id: UUID, secret: str) -> bytes:
    return world.keys.seal_secret(f"totp:{user_id}", secret.encode())


def open_secret(world: World, user_id: UUID, sealed: bytes) -> str:
    opened: bytes = world.keys.open_secret(f"totp:{user_id}", sealed)
    return opened.decode()
