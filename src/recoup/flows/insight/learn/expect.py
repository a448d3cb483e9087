"""What payers' rhythms and orders' holds are, given the coefficients: the expectation of `fit`."""

from typing import Final, NamedTuple

import numpy as np

from recoup.flows.insight.learn.attempts import Column, Features
from recoup.flows.insight.learn.coefficients import TINY, Coefficients, blocks, likelihoods, rhythm_prior
from recoup.rules.rescue.engine.bins import HOLDS
from recoup.rules.rescue.engine.classes import FUNDS, SOFT
from recoup.rules.rescue.engine.rhythms import RHYTHMS

_R: Final = len(RHYTHMS)
_H: Final = len(HOLDS) + 1
_PRIOR_PAYERS: Final = 20.0
_MIXED: Final = 10  # steps a round, for shares of rhythms move slowly
_BLOCK_ORDERS: Final = 128
UNTIL: Final = np.array([*HOLDS, 1e9])


class Tried(NamedTuple):
    """Attempts after the first: `rows` by order, of which `begin` are the first ones of the orders `which`. `passed`:
    up to which length holds have ended by then."""

    rows: Column
    which: Column
    begin: Column
    passed: Column


def tried_of(data: Features) -> Tried:
    retry = data.tries > 0
    rows = np.nonzero(retry)[0][np.argsort(data.order[retry], kind="stable")]
    which, begin = np.unique(data.order[rows], return_index=True)
    passed = np.searchsorted(UNTIL, data.since_first[rows], side="right") - 1
    return Tried(rows, which, np.r_[begin, len(rows)], passed)


def expect(data: Features, c: Coefficients, tried: Tried) -> tuple[Column, Column]:
    """Attempts × rhythms: how likely each payer has the rhythm and nothing holds the order then; and by order, how
    likely each length of its hold is."""
    orders, payers, which = int(data.order.max()) + 1, int(data.payer.max()) + 1, tried.which
    share, log_free, by_payer = np.empty((len(data), _R)), np.empty((len(data), _R)), np.zeros((payers, _R))
    log_held = np.empty(len(data))
    for part, some in blocks(data):
        (likely, missing), held_class = likelihoods(some, c), 1 - c.holds[some.answer, 0]
        # An order that is held is answered so whatever the rhythm.
        free = (1 - held_class)[:, None] * likely
        elsewhere = free + (held_class * (likely * c.rhythms[some.credit]).sum(1))[:, None]
        # What is held for lack of money answers as if there were none.
        answers = c.held_answers[some.first_answer, some.answer] + TINY
        log_held[part] = np.log(np.where(some.first_answer == FUNDS, missing, answers))
        first = some.tries == 0
        np.add.at(by_payer, some.payer[first], np.log(elsewhere[first]))
        share[part], log_free[part] = free / elsewhere, np.log(likely)
    owner = np.zeros(orders, np.int64)
    owner[data.order] = data.payer
    held = first_holds(data, c, orders)
    joint = np.empty((len(which), _H, _R))
    for begin in range(0, len(which), _BLOCK_ORDERS):
        some_orders = slice(begin, min(begin + _BLOCK_ORDERS, len(which)))
        total = _by_length(tried, some_orders, log_free, log_held, held[which[some_orders]], joint, share)
        np.add.at(by_payer, owner[which[some_orders]], total)
    again = np.zeros(payers, bool)
    again[data.payer[data.tries > 0]] = True
    credit = np.zeros(payers, np.int64)
    credit[data.payer] = data.credit
    likely = np.exp(by_payer - by_payer.max(1, keepdims=True))
    for kind in (0, 1):
        some_likely = likely[again & (credit == kind)]
        for _ in range(_MIXED):
            c.rhythms[kind] = _mixed(some_likely, c.rhythms[kind])
    posterior = likely * c.rhythms[credit]
    posterior /= posterior.sum(1, keepdims=True)
    held[which] = np.einsum("olr,or->ol", joint, posterior[owner[which]])
    for part, some in blocks(data):
        share[part] *= posterior[some.payer]
    return share, held


def _by_length(
    tried: Tried, orders: slice, log_free: Column, log_held: Column, prior: Column, joint: Column, share: Column
) -> Column:
    """Of some orders, into `joint`: orders × lengths × rhythms, adding up to 1 over the lengths; and into `share`, that
    nothing holds the order at its tries. Answers the logarithm of what they added up to."""
    first, last = tried.begin[orders.start], tried.begin[orders.stop]
    rows, passed, begin = tried.rows[first:last], tried.passed[first:last], tried.begin[orders] - first
    free, held, found = log_free[rows], log_held[rows][:, None], joint[orders]
    for length in range(_H):
        found[:, length] = np.add.reduceat(np.where((passed >= length)[:, None], free, held), begin, axis=0)
    found += np.log(np.maximum(prior, 1e-300))[:, :, None]
    top = found.max(1)
    np.exp(found - top[:, None], out=found)
    mass = found.sum(1)
    found /= mass[:, None]
    place = np.repeat(np.arange(len(found)), np.diff(tried.begin[orders.start : orders.stop + 1]))
    share[rows] = np.cumsum(found, axis=1)[place, passed]
    total: Column = top + np.log(mass)
    return total


def first_holds(data: Features, c: Coefficients, orders: int) -> Column:
    """By order, what its first decline says of the length of its hold."""
    first = data.tries == 0
    prior = np.tile(c.holds[SOFT], (orders, 1))
    own = c.holds_by_code[data.key[first]] * c.issuer_holds[data.issuer[first], data.answer[first]]
    prior[data.order[first]] = own / own.sum(1, keepdims=True)
    return prior


def _mixed(likely: Column, shares: Column) -> Column:
    """The shares of rhythms that explain those payers better than `shares`, near the prior where they are few."""
    posterior = likely * shares
    posterior /= posterior.sum(1, keepdims=True)
    mixed: Column = (posterior.sum(0) + _PRIOR_PAYERS * rhythm_prior()) / (len(likely) + _PRIOR_PAYERS)
    return mixed
