"""A small world that judges Recoup: only the hour decides what a card pays.

The protocol: docs/contributing/world-protocol.md.
"""

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from statistics import median

NOW, DAYS, COUNT, PAST = datetime(2026, 3, 2, tzinfo=UTC), 14, 400, 2000
COSTS = {"send": 12, "excess": 5000, "harm": 0.02}


def draw(
    *about,
    # the same number from 0 to 1 for the same things and seed, so that every arm lives in the same
    # world
):
    return (
        int.from_bytes(hashlib.sha256(repr((sys.argv[1:], about)).encode()).digest()[:6], "big")
        / 2**48
    )


def pays(name, at):
    return draw(name, at) < (0.35 if "08" <= at[11:13] < "12" else 0.05)


def text(days):
    return (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def payment(place, name):
    # the first nine digits say who issued the card, the last one is Luhn's
    head = f"400088{place % 9:03d}{place:06d}"
    luhn = sum(sum(divmod(int(digit) * (2 - at % 2), 10)) for at, digit in enumerate(head))
    card = {
        "number": f"{head}{-luhn % 10}",
        "expMonth": 12,
        "expYear": 2031,
        "scheme": "visa",
        "funding": "debit",
    }
    return {
        "orderId": name,
        "customerId": f"c-{name}",
        "amount": 500 + int(9500 * draw(name)),
        "currency": "USD",
        "country": "US",
        "card": card,
        "schemeCode": "51",
    }


def past(place):  # a payment that was declined, and its retry at an hour that was drawn
    name, first = f"past-{place}", -60 + 40 * place / PAST
    at = text(first + 1 + int(24 * draw(name, "hour")) / 24)
    retry = {"attempt": 2, "at": at, "approved": pays(name, at), "propensity": 1 / 24}
    told = payment(COUNT + place, name)
    yield told | {"attempt": 1, "at": text(first), "approved": False, "propensity": None}
    yield told | retry | {"schemeCode": "00" if retry["approved"] else "51"}


HISTORY = [row for place in range(PAST) for row in past(place)]
ORDERS = [
    payment(place, f"order-{place}")
    | {"declinedAt": text(DAYS * place / COUNT), "expiresAt": text(DAYS * place / COUNT + 21)}
    for place in range(COUNT)
]
came, arms = (
    {},
    {},
)  # orders by id; each arm's answers by charge, instants of its sends and of its approvals by order


def hello(protocol, **_):
    return {
        "world": "tiny",
        "protocol": 1,
        "now": text(0),
        "until": text(DAYS),
        "currencies": ["USD"],
        "orders": COUNT,
        "costs": COSTS,
    }


def history(after, limit, **_):
    end = int(after or 0) + limit
    return {"rows": HISTORY[end - limit : end], "next": str(end) if end < len(HISTORY) else None}


def orders(before, limit, **_):
    new = [order for order in ORDERS[len(came) :] if order["declinedAt"] < before]
    came.update({order["orderId"]: order for order in new[:limit]})
    return {"orders": new[:limit], "more": len(new) > limit}


def answer(arm, id, orderId, sentAt, **_):
    answers, sends, paid = arms.setdefault(arm, ({}, {}, {}))
    if id not in answers:
        if orderId not in came or sentAt < max(
            [came[orderId]["declinedAt"], *sends.get(orderId, [])]
        ):
            return {
                "id": id,
                "error": "the charge is earlier than the order's decline or its last charge",
            }
        sends.setdefault(orderId, []).append(sentAt)
        answers[id] = {"id": id, "state": "declined", "schemeCode": "51"}
        if pays(orderId, sentAt):
            paid.setdefault(orderId, sentAt)
            answers[id] |= {"state": "approved", "schemeCode": "00"}
    return answers[id]


def end(arm, **_):
    _, sends, paid = arms.get(arm, ({}, {}, {}))
    whole, share = (sum(came[name]["amount"] for name in names) for names in (came, paid))
    lost = [(came[name]["amount"], len(at)) for name, at in sends.items() if name not in paid]
    harm = sum(COSTS["harm"] * amount * max(0, many - 4) for amount, many in lost)
    attempts, breaches = (
        sum(map(len, sends.values())),
        sum(max(0, len(at) - 19) for at in sends.values()),
    )  # Visa: 20
    days = [
        datetime.fromisoformat(at) - datetime.fromisoformat(came[name]["declinedAt"])
        for name, at in paid.items()
    ]
    return {
        "score": {
            "orders": len(came),
            "recovered": len(paid),
            "amountShare": share / whole if whole else 0.0,
            "attempts": attempts,
            "breaches": breaches,
            "daysMedian": median(days) / timedelta(1) if days else None,
            "netShare": (share - attempts * COSTS["send"] - breaches * COSTS["excess"] - harm)
            / max(1, whole),
        }
    }


ANSWERS = {
    "hello": hello,
    "history": history,
    "orders": orders,
    "end": end,
    "signals": lambda **_: {"signals": []},
    "charge": lambda arm, charges, **_: {"answers": [answer(arm, **charge) for charge in charges]},
}
for line in sys.stdin:
    try:
        asked = json.loads(line)
        respond = ANSWERS[asked["op"]]
        said = respond(**asked)
    except (ValueError, LookupError, TypeError) as error:
        said = {"error": f"not understood: {error!r}"}
    print(json.dumps(said), flush=True)
