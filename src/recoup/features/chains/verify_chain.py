"""`recoup verify --chain`: the book against the chains, order by order, and the custody wallets."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from recoup.features.chains import intake, store
from recoup.features.chains.addresses import shown
from recoup.features.chains.channels import ChannelSettings
from recoup.features.chains.compare import TOGETHER, Comparer
from recoup.features.chains.credit import folded, sweeps_of
from recoup.features.chains.reading import balance_at
from recoup.features.chains.rpc import AwayError, opened
from recoup.features.chains.store import BookedAddress, ChainLog
from recoup.features.chains.units import cent
from recoup.features.chains.watch import Network, Watcher, networks_of
from recoup.flows.world import World
from recoup.kernel.currencies import EXPONENTS
from recoup.moves.stable.late_payment import PAID_AFTER_ALL
from recoup.rules.order.lifecycle import ENDED
from recoup.store.insight.proofs.walk import Difference


async def differences(world: World) -> list[Difference]:
    """Differences between the book, the logs and the nodes' present state, by order."""
    found: list[Difference] = []
    after = UUID(int=0)
    rows: list[BookedAddress] = []
    while part := await store.booked_addresses(world.db.reader, after, TOGETHER, PAID_AFTER_ALL):
        logs: dict[bytes, list[ChainLog]] = defaultdict(list)
        for one in await store.logs_at(world.db.reader, [row.address for row in part]):
            logs[one.address].append(one)
        for row in part:
            found += _of_book(row, logs[row.address])
        rows, after = rows + part, part[-1].order_id
    for network in networks_of(intake.all_served(world.name)):
        found += await _of_state(world, network, [row for row in rows if row.kind == network.kind])
    return found


def _of_book(row: BookedAddress, logs: Sequence[ChainLog]) -> Iterator[Difference]:
    own = intake.served(row.channel)
    if own is None:
        yield Difference(row.merchant_id, row.order_id, "channel", "one that is served", row.channel)
        return
    units = own.book
    came = units(folded(row, logs).received) if row.stage in ENDED else 0
    dust = cent(EXPONENTS[own.asset])  # by less the book may be behind
    if not 0 <= came - row.came < dust:
        yield Difference(row.merchant_id, row.order_id, "what came, by the book", f"{came} by the logs", f"{row.came}")
    went = units(sum(sweep.to_merchant for sweep in sweeps_of(logs, own)))
    if own.settlement == "direct" and row.stage == "completed" and not 0 <= went - row.settled < dust:
        settled = f"{went} by the factory's logs"
        yield Difference(row.merchant_id, row.order_id, "what settled, by the book", settled, f"{row.settled}")


async def _of_state(world: World, network: Network, rows: Sequence[BookedAddress]) -> list[Difference]:
    found: list[Difference] = []
    cursor = await store.cursor_of(world.db.reader, network.chain)
    why = "nothing of it" if cursor is None or not cursor.block else cursor.halted
    if why and any(row.channel in {one.code for one in network.channels.values()} for row in rows):
        found.append(Difference(None, None, f"chain {network.chain}", "a chain that is read", why))
    async with opened(network.kind, network.endpoints, world.clocks) as nodes:
        comparer = Comparer(world, Watcher(world, network, nodes))
        try:
            for start in range(0, len(rows), TOGETHER):
                part = {row.address: row for row in rows[start : start + TOGETHER]}
                for address, missing in (await comparer.differing(part)).items():
                    row, field = part[address], f"balance on chain {network.chain}"
                    found.append(Difference(row.merchant_id, row.order_id, field, "what the logs say", missing))
            for channel in _custodial(network.channels.values()):
                held = min([await balance_at(node, channel.token, channel.custody or b"") for node in nodes[:2]])
                ours = [row.address for row in rows if row.channel == channel.code]
                reader, code = world.db.reader, channel.code
                least = int(await store.gathered(reader, network.chain, channel.token, code, ours))
                if held < least:
                    field = f"balance of {shown(channel.custody or b'', channel.kind)} ({channel.code})"
                    found.append(Difference(None, None, field, f"at least {least}", f"{held}"))
        except AwayError as error:
            found.append(Difference(None, None, f"chain {network.chain}", "an answer of its node", f"{error}"))
    return found


def _custodial(channels: Iterable[ChannelSettings]) -> Iterator[ChannelSettings]:
    return (one for one in channels if one.settlement == "custodial" and one.custody is not None)
