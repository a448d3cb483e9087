"""Sanity figures of a world: the oracle, the fixed schedule, and a description. Not part of the protocol."""
from ground import Arm, DAY, HOUR, iso


def options(w, o):
    """best instant of each bucket left to the order: [(chance, t)], best first; the decline itself is known"""
    best, t, chance = {}, o.t + 1800, getattr(w, "best_chance", w.chance)
    while t <= o.exp:
        b, p = w.bucket(o, t), chance(o, t, [o.t])
        if b == o.b0 and o.cause is None:
            p = max(0.0, (p - o.p0) / (1 - o.p0)) if o.p0 < 1 else 0.0
        if p > best.get(b, (0, 0))[0] + 1e-12:
            best[b] = (p, t)
        t += w.step
    return sorted(best.values(), key=lambda x: (-x[0], x[1]))


def card_at(w, o, t):
    """the card a merchant who reads signals would use"""
    if not hasattr(w, "by_old"):
        w.by_old = {}
        for at, s in w.signal_list:
            w.by_old.setdefault(s["oldNumber"], []).append((at, s["card"]))
    card = o.card
    for at, c in w.by_old.get(card["number"], ()):
        if at < t:
            card = c
    return card


def play(w, plans, signals=True):
    """sends each order's instants in time until paid; with the newest known card, or always the order's own"""
    arm = Arm(w)
    for o in w.orders:
        for t in sorted(plans.get(o.i, ())):
            if o.i not in arm.paid and o.t <= t <= o.exp:
                arm.charge({"id": len(arm.ids), "orderId": o.name, "sentAt": iso(t),
                            "card": card_at(w, o, t) if signals and w.signal_list else o.card})
    s = arm.score()
    n = len(w.orders)
    return {"recovered": round(s["recovered"] / n, 4), "sends": round(s["attempts"] / n, 3), "net": s["netShare"], "breaches": s["breaches"]}


def fixed(w, n):
    hours = [24, 72, 168, 240, 312, 384, 456, 528][:n]
    plans = {o.i: [o.t + h * HOUR for h in hours] for o in w.orders}
    out = play(w, plans)
    if w.signal_list:
        out["deaf"] = play(w, plans, False)["recovered"]         # who does not read signals
    return out


def oracle(w, n):
    """`recovered`: planned sends average n, spent where they add most. `timingOnly`: at most n for each order, so that
    only the instants differ from a fixed schedule. `upper`: sends really made average n (an order stops when paid)."""
    plan_of = getattr(w, "oracle_options", None) or (lambda o: options(w, o))
    opts = {o.i: plan_of(o) for o in w.orders}
    gains, exact = [], 0.0
    for i, lst in opts.items():
        live = 1.0
        for k, (p, t) in enumerate(lst[:20]):
            gains.append((live * p, -k, i, t, p))
            exact += live * p if k < n else 0
            live *= 1 - p
    gains.sort(reverse=True)
    plans = {}
    for g in gains[:n * len(w.orders)]:
        if g[0] > 0:
            plans.setdefault(g[2], []).append(g[3])
    out = play(w, plans)
    out["timingOnly"] = play(w, {i: [t for p, t in lst[:n] if p > 0] for i, lst in opts.items()})["recovered"]
    out["timingExpected"] = round(exact / len(w.orders), 4)
    lo, hi = 0.0, 1.0
    for _ in range(12):
        mid = (lo + hi) / 2
        up = play(w, {i: [t for p, t in lst[:20] if p > mid] for i, lst in opts.items()})
        lo, hi = (mid, hi) if up["sends"] > n else (lo, mid)
    out["upper"] = up["recovered"]
    return out


def describe(w):
    mix_, n = {}, len(w.orders)
    for o in w.orders:
        mix_[o.code[0]] = mix_.get(o.code[0], 0) + 1
    by = {}
    for o in w.orders:
        by[o.payer.i] = by.get(o.payer.i, 0) + 1
    first = [r for r in w.rows if r[2] == 1]
    return {"orders": n, "rows": len(w.rows), "payers": w.payers, "judgedPayers": len(by),
            "several": round(sum(v > 1 for v in by.values()) / max(1, len(by)), 3),
            "firstApproved": round(sum(r[3] for r in first) / max(1, len(first)), 3),
            "pastRetries": len(w.rows) - len(first), "drawn": sum(r[6] is not None for r in w.rows),
            "pastRetryApproved": round(sum(r[3] for r in w.rows if r[2] > 1) / max(1, len(w.rows) - len(first)), 3),
            "codes": {k: round(v / n, 3) for k, v in sorted(mix_.items(), key=lambda x: -x[1])}}
