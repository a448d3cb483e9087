"""A merchant's settlement address: entered, approved by a second person, in use after a delay,
withdrawn; and how much less than its amount pays an order."""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.audit.moves import note
from recoup.chains import intake, store
from recoup.chains.artifacts import DEPLOYER, artifact
from recoup.chains.channels import NETWORK_PRESETS, PRESETS
from recoup.chains.store import SettlementAddress, WalletState
from recoup.db.statement import Tx
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import BusinessTime, WallTime, business_at
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each, home_of
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.merchants.store.merchants import offset_of
from recoup.merchants.store.sites import lock_merchant, raise_version
from recoup.notifications.moves import alert_now
from recoup.stablecoin.rules.addresses import Kind, read_address, shown
from recoup.terms.rules.settlement import check_second
from recoup.terms.store.settlement_terms import terms_at

ADDRESSES_MAX: Final = 100  # withdrawn and replaced ones too
FIELD: Final = "address"
TOLERANCE_MAX: Final = 500  # basis points


async def addresses(
    world: World, merchant_id: UUID
) -> tuple[list[SettlementAddress], dict[UUID, WalletState], BusinessTime]:
    """The newest first, their states, and the merchant's time."""
    now = world.clocks.business(await known_offset(world.db.reader, merchant_id))
    rows = await store.list_addresses(world.db.reader, merchant_id)
    return rows, states_of(rows, now), now


def states_of(rows: Sequence[SettlementAddress], now: datetime) -> dict[UUID, WalletState]:
    """The state of each row. Per kind, the address that took effect last is in use."""
    last: dict[Kind, SettlementAddress] = {}
    for row in rows:
        if row.holds(now) and (row.kind not in last or _began(row) > _began(last[row.kind])):
            last[row.kind] = row
    return {row.address_id: _state(row, last, now) for row in rows}


async def enter_address(world: World, scope: Scope, kind: Kind, text: str) -> UUID:
    """Raises: Problem(invalid) for what is no wallet of this kind, or not the merchant's;
    Problem(conflict) for one that is entered already, or too many."""
    raw = read_address(text.strip(), kind, FIELD)
    address = shown(raw, kind)
    await check_wallet(world, raw, kind, FIELD)
    async with _locked(world, scope.merchant_id) as (tx, rows, now, wall):
        states = states_of(rows, now)
        if any(
            (row.kind, row.address) == (kind, address) and states[row.address_id] in _OPEN
            for row in rows
        ):
            raise Problem(
                "conflict", "This address is entered already.", "See the list.", field=FIELD
            )
        if len(rows) >= ADDRESSES_MAX:
            raise Problem(
                "conflict",
                Sentence(
                    "A merchant has at most {0} settlement addresses, withdrawn ones included.",
                    ADDRESSES_MAX,
                ),
                "Use one that was entered before.",
            )
        address_id = new_id()
        await store.add_wallet(
            tx, scope.merchant_id, kind, address_id, address, scope.actor.text(), now
        )
        await note(
            tx,
            scope,
            wall,
            "settlement_address.entered",
            address_id,
            {"network": kind, "address": address},
        )
        facts = {"did": "entered", "address": address}
        await alert_now(tx, scope.merchant_id, "settlement_address", address_id, 1, facts, wall)
        await alert_now(tx, scope.merchant_id, "address_approval", address_id, 1, facts, wall)
    return address_id


_OPEN: Final = ("entered", "waiting", "holding")


async def approve(world: World, scope: Scope, address_id: UUID) -> None:
    """The second person's word: orders settle to it after the delay of new bank accounts. The
    caller has made sure that it decides for the operator. Raises: Problem not_found, wrong_state,
    forbidden."""
    async with _locked(world, scope.merchant_id) as (tx, rows, now, wall):
        row = _found(rows, address_id, now, "entered")
        check_second(row.set_by, scope.actor.text(), "A new settlement address")
        delay = timedelta(days=(await terms_at(tx, scope.merchant_id, now)).account_delay_days)
        await store.approve_address(
            tx, scope.merchant_id, row.kind, address_id, scope.actor.text(), now, now + delay
        )
        await raise_version(tx, scope.merchant_id)
        details = {"network": row.kind, "address": row.address, "holds_from": now + delay}
        await note(tx, scope, wall, "settlement_address.approved", address_id, details)
        facts = {"did": "approved", "address": row.address, "holds_from": (now + delay).isoformat()}
        await alert_now(tx, scope.merchant_id, "settlement_address", address_id, 2, facts, wall)


async def hold_at_once(world: World, scope: Scope, kind: Kind, address: str) -> None:
    """Puts an address into use without approval: sandbox only, for a merchant that never entered
    one of this kind."""
    assert world.policy.test_mode
    if await offset_of(world.db, scope.merchant_id) is None:
        return
    async with _locked(world, scope.merchant_id) as (tx, rows, now, wall):
        if any(row.kind == kind for row in rows):
            return
        address_id, actor = new_id(), scope.actor.text()
        await store.add_wallet(tx, scope.merchant_id, kind, address_id, address, actor, now)
        await store.approve_address(tx, scope.merchant_id, kind, address_id, actor, now, now)
        await raise_version(tx, scope.merchant_id)
        await note(
            tx,
            scope,
            wall,
            "settlement_address.entered",
            address_id,
            {"network": kind, "address": address},
        )


async def withdraw(world: World, scope: Scope, address_id: UUID) -> None:
    """Withdraws an address: no order is taken with it any more; those that were keep it in their
    terms. With the one in use go the ones that it replaced: none of them comes back by itself.
    Raises: Problem not_found, wrong_state."""
    async with _locked(world, scope.merchant_id) as (tx, rows, now, wall):
        row = _found(rows, address_id, now, *_OPEN)
        gone = [row.address_id]
        if row.holds(now):
            gone += [
                other.address_id
                for other in rows
                if other.kind == row.kind and other is not row and other.holds(now)
            ]
        await store.withdraw_addresses(tx, scope.merchant_id, gone, now)
        await raise_version(tx, scope.merchant_id)
        details = {"network": row.kind, "address": row.address}
        await note(tx, scope, wall, "settlement_address.withdrawn", address_id, details)
        facts = {"did": "withdrawn", "address": row.address}
        await alert_now(tx, scope.merchant_id, "settlement_address", address_id, 3, facts, wall)


async def set_tolerance(world: World, scope: Scope, text: str) -> None:
    """`text`: percent of an order's amount. Orders that exist keep theirs. Raises:
    Problem(invalid)."""
    match = re.fullmatch(r"(\d)(?:\.(\d{1,2}))?", text.strip().removesuffix("%").strip())
    points = (
        int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else TOLERANCE_MAX + 1
    )
    if points > TOLERANCE_MAX:
        raise invalid(
            "A tolerance is 0 to 5 percent, with at most two decimals.",
            "tolerance",
            "Write it like 0.5; 0 takes nothing less than the amount.",
        )
    wall = world.clocks.wall()
    async with world.db.transaction() as tx:
        await lock_merchant(tx, scope.merchant_id)
        before = await store.tolerance_of(tx, scope.merchant_id) or 0
        await store.keep_tolerance(tx, scope.merchant_id, points)
        await raise_version(tx, scope.merchant_id)
        details = {"percent": percent(points), "before": percent(before)}
        await note(tx, scope, wall, "settlement_address.tolerance", scope.merchant_id, details)


def percent(points: int) -> str:
    """Basis points as people write them."""
    return f"{points / 100:.2f}"


@asynccontextmanager
async def _locked(
    world: World, merchant_id: UUID
) -> AsyncIterator[tuple[Tx, list[SettlementAddress], BusinessTime, WallTime]]:
    """A transaction that locks the merchant, with all its addresses, its time and the wall's."""
    wall = world.clocks.wall()
    async with world.db.transaction() as tx:
        await lock_merchant(tx, merchant_id)
        now = business_at(wall, await known_offset(tx, merchant_id))
        yield tx, await store.list_addresses(tx, merchant_id), now, wall


def _found(
    rows: Sequence[SettlementAddress], address_id: UUID, now: datetime, *states: WalletState
) -> SettlementAddress:
    row = next((row for row in rows if row.address_id == address_id), None)
    if row is None:
        raise Problem(
            "not_found", "There is no such settlement address.", "Check the list of addresses."
        )
    state = states_of(rows, now)[address_id]
    if state not in states:
        raise Problem(
            "wrong_state",
            Sentence("This settlement address is {0}; this action is not possible.", state),
            "Reload the page: somebody may have acted first.",
        )
    return row


def _began(row: SettlementAddress) -> datetime:
    assert row.holds_from
    return row.holds_from


def _state(
    row: SettlementAddress, last: dict[Kind, SettlementAddress], now: datetime
) -> WalletState:
    if row.withdrawn_at:
        return "withdrawn"
    if row.approved_at is None:
        return "entered"
    if not row.holds(now):
        return "waiting"
    return "holding" if last[row.kind] is row else "replaced"


async def settling_now(
    world: World, merchants: Iterable[UUID], kind: Kind
) -> dict[UUID, str | None]:
    """Where the money of each goes now; without those of a cell that is away."""
    current: dict[UUID, str | None] = {}
    for merchant_id in merchants:
        try:
            db = (await home_of(world, merchant_id)).db
            now = world.clocks.business(await known_offset(db, merchant_id))
            current[merchant_id] = await store.settles_to(db, merchant_id, kind, now)
        except Problem as problem:
            if problem.code != "unavailable" or not world.cells:
                raise
    return current


async def check_wallet(world: World, raw: bytes, kind: Kind, field: str) -> None:
    """Money that goes to an address of ours or a contract would go round, or be lost. Raises:
    Problem(invalid)."""
    served = [channel for channel in intake.all_served() if channel.kind == kind]
    tokens = {channel.token for channel in served} | {
        read_address(preset.address, kind, field)
        for preset in PRESETS.values()
        if NETWORK_PRESETS[preset.network].kind == kind
    }
    if raw in tokens:
        message = "This is the address of a token's contract: what is sent there is lost."
        raise invalid(message, field, "Enter the address of your wallet.")
    ours = {
        place
        for channel in served
        for place in (channel.treasury, channel.custody, channel.factory)
    }
    ours |= {
        artifact(kind).implementation_of(channel.factory)
        for channel in served
        if channel.factory is not None
    }
    if kind == "evm":
        ours |= {DEPLOYER, artifact(kind).factory_address()}
    deposits = await ask_each(
        world, lambda cell: store.is_deposit_address(cell.db.reader, raw, kind)
    )
    if raw in ours or any(is_one for _, is_one in deposits.said):
        message = "This is an address of this platform, not your wallet."
        raise invalid(message, field, "Enter the address of your wallet.")
    deposits.check()
