"""Rotation of the keys: what older keys wrapped, sealed or fingerprinted goes over to the current
ones, page by page, and a key that nothing needs any more is forgotten. Safe to run again, and side
by side.

Meanwhile both work: a card is looked for by all of its fingerprints, and what an older key sealed
it also opens.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.bank.rules.bank_payout import file_context
from recoup.cards.store.vault import (
    WrappedCard,
    add_prints,
    card_page,
    count_cards,
    note_issuers,
    rewrap_cards,
)
from recoup.db.installation_worlds import installation_worlds
from recoup.db.operation.rekeying import (
    PEOPLE,
    START,
    WORLD,
    Place,
    needs_of_people,
    needs_of_world,
    reseal,
    sealed_page,
)
from recoup.db.pool import Database
from recoup.disputes.flows.files import evidence_context
from recoup.kernel.problem import Problem
from recoup.keys.rules.signing import secret_context
from recoup.keys.store.key_checks import drop_checks, retire_checks
from recoup.kit.upkeep import end_turn, take_turn
from recoup.kit.world import World
from recoup.networks.card import issuer_digits
from recoup.onboarding.flows.application_documents import document_context
from recoup.onboarding.flows.handover import handover_context
from recoup.outside.keys.material import VAULT
from recoup.people.flows.invitations import token_context
from recoup.processors.rules.bank_account import account_context, deposits_context
from recoup.routes.flows.own_routes import connection_context

TASK: Final = "keys"
EVERY: Final = timedelta(minutes=1)
RETIRES_AFTER: Final = timedelta(
    hours=1
)  # longer than a security code waits, and than an access token lives
Progress = Callable[[str, int, int], None]  # what, how many are done, of how many


@dataclass(frozen=True, slots=True)
class KeyState:
    """`state`: waiting (not used yet), current, or old. `needed`: how much cannot be read without
    it."""

    purpose: str
    key_id: str
    since: datetime
    state: str
    needed: int


async def rekey(world: World) -> int:
    """The worker's part: goes on with a rotation where there is one, one worker at a time; then
    forgets old keys."""
    if all(len(keys) == 1 for keys in world.keys.every_id().values()):
        return 0
    if not await take_turn(world, TASK, world.clocks.wall() - EVERY):
        return 0
    await go_over(world)
    # The sandbox's worker is always there; of several one forgets.
    if world.policy.test_mode and world is world.every[0]:
        worlds = [world, *world.others.values()]
        await retire([cell for each in worlds for cell in each.every])
    async with world.db.transaction() as tx:
        await end_turn(tx, world, TASK, world.clocks.wall())
    return 0


async def go_over(world: World, tell: Progress = lambda *_: None) -> None:
    """Everything of this world, and of people, to the current keys; nothing to do where it stands
    under them. When others come into use meanwhile the pass ends: the next one goes on with
    those."""
    current = world.keys.current_ids()
    needs = await needs_of_world(world.db, current.get("print"))
    if world.keys.has_vault and any(
        key[0] in ("card", "print") and key[1] != current[key[0]] for key in needs
    ):
        await _cards(world, current, tell)
    for place in WORLD:
        await _sealed(world, world.db, place, current, tell)
    if world.people_database is not None:
        for place in PEOPLE:
            await _sealed(world, world.people_database, place, current, tell)


async def states_of(worlds: Sequence[World]) -> list[KeyState]:
    """Each key of the installation, by purpose, the newest first."""
    needs, keys = await _needs(worlds), worlds[0].keys
    now, current = worlds[0].clocks.wall(), keys.current_ids()
    states = []
    for purpose, several in keys.every_id().items():
        for key_id, since_ms in several:
            since = datetime.fromtimestamp(since_ms / 1000, now.tzinfo)
            state = "current" if current[purpose] == key_id else "waiting" if since > now else "old"
            states.append(KeyState(purpose, key_id, since, state, needs.get((purpose, key_id), 0)))
    return states


async def retire(worlds: Sequence[World]) -> list[KeyState]:
    """Forgets old keys that nothing here needs, an hour after the current one took over: a file
    beside the keys has them for backups from before. Answers which. None while another world that
    this process has not opened may need them."""
    ring = worlds[0].keys
    if not ring.is_from_folder or await unopened(worlds):
        return []
    states, now = await states_of(worlds), worlds[0].clocks.wall()
    since = {state.purpose: state.since for state in states if state.state == "current"}
    gone = [
        state
        for state in states
        if state.state == "old" and not state.needed and since[state.purpose] + RETIRES_AFTER <= now
    ]
    if gone:
        keys = [(state.purpose, state.key_id) for state in gone]
        for db in _databases(
            worlds
        ):  # first, so that no start in between asks for them or takes them up again
            await retire_checks(db.alone, keys)
        if await unopened(
            worlds
        ):  # one that has just begun; what begins from here on does not take these keys up
            return []
        ring.drop(keys)
        for db in _databases(worlds):
            await drop_checks(db.alone, keys)
    return gone


async def drop_vault(worlds: Sequence[World], *, keep: bool) -> None:
    """Forgets the keys of cards: from here on no card number can be kept. With `keep` a file beside
    has them for backups from before; nothing to do where there are none.

    Raises: Problem(conflict) while a card needs them, or a world that is not open here may.
    """
    ring = worlds[0].keys
    if not ring.has_vault:
        return
    needed = sum(state.needed for state in await states_of(worlds) if state.purpose in VAULT)
    if needed or await unopened(worlds):
        message = (
            "Cards of this installation need the vault's keys."
            if needed
            else "A world is not open here."
        )
        cure = (
            "Make an installation without a vault in a data folder and databases of its own; "
            "see docs/operate.md."
        )
        raise Problem("conflict", message, cure=cure)
    gone = [(purpose, key_id) for purpose in VAULT for key_id, _ in ring.every_id()[purpose]]
    for db in _databases(worlds):
        await retire_checks(db.alone, gone)
    ring.drop_vault(keep=keep)
    for db in _databases(worlds):
        await drop_checks(db.alone, gone)


async def unopened(worlds: Sequence[World]) -> set[str]:
    """Worlds of this installation that are not among these, as the database knows them now: a live
    one may have been made since this process started, or be another machine's."""
    people = worlds[0].people_database
    if people is None:
        return set()
    return set(await installation_worlds(people)) - {world.known_as for world in worlds}


def _databases(worlds: Sequence[World]) -> list[Database]:
    people = [world.people_database for world in worlds if world.people_database is not None]
    return [*(world.db for world in worlds), *people[:1]]


async def _needs(worlds: Sequence[World]) -> dict[tuple[str, str], int]:
    needs: dict[tuple[str, str], int] = {}
    parts: list[Mapping[tuple[str, str], int]] = []
    for world in worlds:
        parts.append(await needs_of_world(world.db, world.keys.current_ids().get("print")))
    people = worlds[0].people_database
    if people is not None:
        parts.append(await needs_of_people(people))
    for part in parts:
        for key, count in part.items():
            needs[key] = needs.get(key, 0) + count
    return needs


async def _cards(world: World, current: Mapping[str, str], tell: Progress) -> None:
    """Each card's key under the current wrapping key, and its fingerprint by the current print key
    beside others."""
    total = await count_cards(world.db)
    after, done = START, 0
    while True:
        page = await card_page(world.db, after)
        made = [(row, world.keys.rewrap(row)) for row in page if row.kek_id != current["card"]]
        others = any(
            sealed.kek_id != current["card"] for _, sealed in made
        )  # between the question and the wrapping
        if not page or others or world.keys.current_ids() != current:
            return
        wrapped = [(row, sealed.wrapped_dek) for row, sealed in made]
        async with world.db.transaction() as tx:
            numbers = [(row, _number(world, row)) for row in page]
            await add_prints(
                tx, [card_print for row, pan in numbers for card_print in _prints(world, row, pan)]
            )
            await note_issuers(
                tx,
                [
                    (row.merchant_id, row.token_id, issuer_digits(pan))
                    for row, pan in numbers
                    if not row.issuer_digits
                ],
            )
            if wrapped:
                await rewrap_cards(tx, current["card"], wrapped)
        after, done = (page[-1].merchant_id, page[-1].token_id), done + len(page)
        tell("cards", done, max(done, total))


def _number(world: World, row: WrappedCard) -> str:
    plain = world.keys.open_card(world.name, row.merchant_id, row.token_id, row)
    return str(json.loads(plain)["pan"])


def _prints(world: World, row: WrappedCard, pan: str) -> list[tuple[str, bytes, UUID]]:
    return [(key_id, made, row.pan_id) for key_id, made in world.keys.print_of(pan)]


async def _sealed(
    world: World, db: Database, place: Place, current: Mapping[str, str], tell: Progress
) -> None:
    context, done = _CONTEXTS[place.table, place.column], 0
    while True:
        rows = await sealed_page(db, place, current["seal"])
        if not rows or world.keys.current_ids() != current:
            return
        made = [
            (world.keys.reseal_secret(context(world, *row.owner), row.found), row) for row in rows
        ]
        async with db.transaction() as tx:
            await reseal(tx, place, made)
        done += len(rows)
        tell(f"{place.table}.{place.column}", done, done)


def _webhook(_: World, owner_id: UUID) -> str:
    return f"webhook:{owner_id}"


def _of_person(_: World, user_id: UUID) -> str:
    return f"totp:{user_id}"


_CONTEXTS: Final[Mapping[tuple[str, str], Callable[..., str]]] = {
    ("merchants", "webhook_key"): _webhook, ("merchants", "stablecoin_webhook_key"): _webhook,
    ("endpoints", "own_key"): _webhook, ("endpoints", "previous_key"): _webhook,
    ("webhook_key_overlaps", "previous_key"): _webhook,
    ("signing_keys", "secret"): lambda _, key_id: secret_context(key_id),
    ("handovers", "sealed"): lambda _, handover_id: handover_context(handover_id),
    ("application_documents", "sealed"): document_context,
    ("dispute_files", "sealed"): evidence_context,
    ("bank_accounts", "sealed"): lambda _, account_id: account_context(account_id),
    ("bank_accounts", "deposits"): lambda _, account_id: deposits_context(account_id),
    ("card_routes", "connection"): connection_context,
    ("bank_payouts", "file"): lambda _, payout_id: file_context(payout_id),
    ("second_factors", "sealed_secret"): _of_person, ("second_factors", "sealed_offer"): _of_person,
    ("invitations", "sealed_token"): lambda _, invitation_id: token_context(invitation_id),
}  # fmt: skip
