"""Merchants as their contracts say, each with a card of every script in its vault."""

from typing import Final
from uuid import UUID

from recoup.flows.cards.tokenize import CardGiven
from recoup.flows.disputes.terms import DisputeTermsRequest, change_terms
from recoup.flows.merchants.fee_terms import FeeTermRequest, set_fee_term
from recoup.flows.merchants.make_merchant import NewSite, make_merchant
from recoup.flows.money import treasurer
from recoup.flows.money.bank_accounts import approve_account, deposits_of, enter_account, prove_account
from recoup.flows.money.settlement_terms import set_terms
from recoup.flows.world import World
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor, Scope
from recoup.rules.money.bank_account import read_account
from recoup.rules.money.fees import Tariff
from recoup.rules.network.magic import script_card
from recoup.store.money.bank_payouts import lock_account
from recoup_lab.simulate.actors.operators import SECOND
from recoup_lab.simulate.contracts import DELAY_DAYS, RESERVE_DAYS, Contract, contract_of
from recoup_lab.simulate.plan import DECLINES
from recoup_lab.simulate.sim import Shop, Sim

_ROUTING: Final = "011000015"
_IBAN: Final = "DE89370400440532013000"
_ACCOUNTS: Final = {"paid": "000123450001", "returned": "000123450002"}  # the last digits say what the bank does
_PLENTY: Final = 10**11  # of exposure: how much is left decides nothing here


async def open_shop(sim: Sim, number: int) -> Shop:
    world, contract = sim.engine.world, contract_of(number)
    merchant_id, name = new_id(), f"merchant {number}"
    site = NewSite(new_id(), f"https://shop{number}.example.test", name, f"SHOP {number}")
    await make_merchant(world, merchant_id, name, (site,), partner_id=None)
    scope = Scope(merchant_id, Actor("api", name), "simulate")
    await _agree(world, scope, contract)
    for asset in contract.assets if contract.bank else ():
        await _bank_account(world, scope, contract.bank, asset)
    tokens = {}
    for script in sorted({(code, declines) for _, code, declines, _ in DECLINES}):
        card = CardGiven(merchant_id, new_id(), script_card("visa", *script), 9, 2031)
        tokens[script] = (await sim.engine.vault.store(card)).token_id
    return Shop(number, scope, tokens)


async def _agree(world: World, scope: Scope, contract: Contract) -> None:
    general = Tariff(contract.points, refund=contract.refund)
    await set_fee_term(world, scope, FeeTermRequest(general))
    for asset in sorted(contract.fixed.keys() | contract.minimum.keys()):
        own = general._replace(fixed_units=contract.fixed.get(asset, 0), minimum_units=contract.minimum.get(asset, 0))
        await set_fee_term(world, scope, FeeTermRequest(own, currency=asset))
    await set_terms(
        world,
        scope,
        {
            "period": contract.period,
            "anchor": contract.anchor,
            "delay_days": DELAY_DAYS,
            "reserve_basis_points": contract.reserve_points,
            "reserve_days": RESERVE_DAYS,
            "account_delay_days": 0,
        },
    )
    for asset in contract.assets:
        if contract.liable:
            await change_terms(world, scope, DisputeTermsRequest(asset, "merchant", contract.dispute_fee, "merchant"))
        if contract.advance:
            terms = treasurer.Terms(
                limit_units=_PLENTY,
                allowed_loss_basis_points=10_000,
                advance_on="both",
                operator_limit_units=_PLENTY * 100,
            )
            await treasurer.agree_exposure(world, Scope(scope.merchant_id, SECOND, "simulate"), asset, terms)


async def _bank_account(world: World, scope: Scope, ends: str, asset: str) -> None:
    if asset == "USD":
        account = read_account("Simulated Ltd", routing=_ROUTING, account=_ACCOUNTS[ends])
    else:
        account = read_account("Simulated Ltd", iban=_IBAN)
    account_id: UUID = await enter_account(world, scope, account, asset)
    async with world.db.transaction() as tx:
        row = await lock_account(tx, scope.merchant_id, account_id)
    assert row is not None
    first, second = deposits_of(world, row)
    await prove_account(world, scope, account_id, (first, second))
    await approve_account(world, Scope(scope.merchant_id, SECOND, "simulate"), account_id)
