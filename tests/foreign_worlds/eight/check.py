"""Starts each world as a program and holds its answers against the protocol. Use: python3 check.py [world.py ...]"""
import json, os, re, statistics, subprocess, sys, time
from datetime import datetime, timedelta, timezone

HERE = os.path.dirname(os.path.abspath(__file__))
ALL = ["seen/mandates.py", "seen/students.py", "seen/daily_book.py", "seen/nothing.py",
       "sealed/instant.py", "sealed/reminded.py", "sealed/liars.py", "sealed/halves.py"]
T = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
CAT1 = "04 07 12 14 15 41 43 46 57 R0 R1 R3".split()
H = timedelta(hours=1)


def when(s):
    assert T.match(s), s
    return datetime.strptime(s, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def text(d):
    return d.strftime("%Y-%m-%dT%H:%M:%SZ")


class Pipe:
    def __init__(self, path, **env):
        self.p = subprocess.Popen([sys.executable, os.path.join(HERE, path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True, env=dict(os.environ, **env))

    def raw(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        out = json.loads(self.p.stdout.readline())
        assert isinstance(out, dict), out
        return out

    def ask(self, **q):
        out = self.raw(json.dumps(q))
        assert "error" not in out, (q, out)
        return out

    def close(self):
        self.p.stdin.close()
        assert self.p.wait(20) == 0


def luhn(n):
    s = 0
    for k, c in enumerate(reversed(n)):
        d = int(c) * (2 if k % 2 else 1)
        s += d - 9 if d > 9 else d
    return s % 10 == 0


def card_ok(c):
    n, s = c["number"], c["scheme"]
    assert luhn(n) and n.startswith({"visa": "400088", "mastercard": "555588", "amex": "370088"}[s]), c
    assert len(n) == (15 if s == "amex" else 16) and c["funding"] in ("debit", "credit")
    assert 1 <= c["expMonth"] <= 12 and 2020 < c["expYear"] < 2040, c


def common_ok(r, currencies):
    assert type(r["amount"]) is int and r["amount"] > 0 and r["currency"] in currencies and re.match("[A-Z]{2}$", r["country"])
    assert "utcOffsetMinutes" not in r or -720 <= r["utcOffsetMinutes"] <= 840
    assert isinstance(r["schemeCode"], str) and r["schemeCode"] and ("adviceCode" not in r or isinstance(r["adviceCode"], str))
    assert r["customerId"] and r["orderId"]
    card_ok(r["card"])


def history(w, limit):
    rows, after = [], None
    while True:
        a = w.ask(op="history", after=after, limit=limit)
        assert len(a["rows"]) <= limit
        rows += a["rows"]
        after = a["next"]
        if after is None:
            return rows
        assert isinstance(after, str) and a["rows"]


def check_history(rows, hello):
    now, seen, last, paid = when(hello["now"]), {}, None, set()
    for r in rows:
        common_ok(r, hello["currencies"])
        at = when(r["at"])
        assert at <= now and (last is None or at >= last)
        last = at
        assert r["attempt"] == seen.get(r["orderId"], 0) + 1, r
        seen[r["orderId"]] = r["attempt"]
        assert type(r["approved"]) is bool and r["orderId"] not in paid
        assert (r["schemeCode"] in ("00", "000")) == r["approved"], r
        if r["approved"]:
            paid.add(r["orderId"])
        assert r["propensity"] is None or (r["attempt"] > 1 and 0 < r["propensity"] < 1)
    assert any(r["propensity"] for r in rows) and any(r["attempt"] > 1 and r["propensity"] is None for r in rows)
    return seen


def all_orders(w, hello, past):
    out, t, known = [], when(hello["now"]), set(past)
    while len(out) < hello["orders"]:
        assert t < when(hello["until"]) + 48 * H
        t += 36 * H
        while True:
            a = w.ask(op="orders", before=text(t), limit=50)
            assert len(a["orders"]) <= 50
            for o in a["orders"]:
                common_ok(o, hello["currencies"])
                d, e = when(o["declinedAt"]), when(o["expiresAt"])
                assert when(hello["now"]) <= d < t and 14 * 24 * H <= e - d <= 30 * 24 * H and e <= when(hello["until"])
                assert o["orderId"] not in known and o["schemeCode"] not in ("00", "000") and "approved" not in o
                known.add(o["orderId"])
                out.append(o)
            if not a["more"]:
                break
    a = w.ask(op="orders", before=text(when(hello["until"]) + 999 * H), limit=1000)
    assert a == {"orders": [], "more": False}
    return out


def plan(orders, hours=(24, 72, 168)):
    """all sends in the order of time"""
    s = [(when(o["declinedAt"]) + h * H, k, o) for k, o in enumerate(orders) for h in hours]
    return sorted((x for x in s if x[0] <= when(x[2]["expiresAt"])), key=lambda x: x[:2])


def charge(o, t, cid):
    return {"id": cid, "orderId": o["orderId"], "sentAt": text(t), "amount": o["amount"], "currency": o["currency"],
            "initiator": "merchant", "acceptorId": "check", "card": o["card"], "route": "main"}


def answer_ok(a, cid, scheme):
    assert a["id"] == cid and a["state"] in ("approved", "declined", "unknown", "not_processed") and isinstance(a["schemeCode"], str)
    assert (a["state"] == "approved") == (a["schemeCode"] in ("00", "000")), a
    assert len(a["schemeCode"]) == 3 if scheme == "amex" and a["schemeCode"] not in ("05",) else True


def play(w, arm, sends, batch):
    """plays sends in the given order; (answers by order and time, own count)"""
    got, paid, n = {}, {}, 0
    todo = list(sends)
    while todo:
        part, used = [], set()
        while todo and len(part) < batch and todo[0][2]["orderId"] not in used:
            t, _, o = todo.pop(0)
            if o["orderId"] not in paid:
                used.add(o["orderId"])
                part.append((t, o))
        if not part:
            continue
        cs = [charge(o, t, "%s-%s-%s" % (arm, o["orderId"], text(t))) for t, o in part]
        ans = w.ask(op="charge", arm=arm, charges=cs)["answers"]
        assert len(ans) == len(cs)
        for (t, o), c, a in zip(part, cs, ans):
            answer_ok(a, c["id"], o["card"]["scheme"])
            n += 1
            got[o["orderId"], text(t)] = {k: v for k, v in a.items() if k != "id"}
            if a["state"] == "approved":
                paid[o["orderId"]] = t
    return got, paid, n


def own_breaches(orders, got):
    by = {o["orderId"]: o for o in orders}
    ev = [(when(o["declinedAt"]), 0, o["orderId"], o["card"], o["amount"], o["schemeCode"], o.get("adviceCode"), False) for o in orders]
    ev += [(when(t), 1, i, by[i]["card"], by[i]["amount"], a["schemeCode"], a.get("adviceCode"), a["state"] == "approved")
           for (i, t), a in got.items()]
    logs, n = {}, 0
    for t, send, i, card, amount, code, mac, ok in sorted(ev, key=lambda e: e[:3]):
        log = logs.setdefault(card["number"], [])
        if send:
            near = [e for e in log if t - e[0] < timedelta(days=30)]
            same = len([e for e in near if e[1] == amount])
            if card["scheme"] == "mastercard":
                n += bool(same >= 35 or [e for e in near if e[3] in ("03", "21")] or len([e for e in near if t - e[0] < 24 * H]) >= 10)
            else:
                n += bool(same >= 20 or (card["scheme"] == "visa" and [e for e in log if e[2] in CAT1]))
        if not ok:
            log.append((t, amount, code, mac))
    return n


def check_score(s, orders, got, paid, n, costs):
    total = sum(o["amount"] for o in orders)
    rec = sum(o["amount"] for o in orders if o["orderId"] in paid)
    tries = {}
    for i, _ in got:
        tries[i] = tries.get(i, 0) + 1
    bad = own_breaches(orders, got)
    harm = sum(max(0, tries.get(o["orderId"], 0) - 4) * costs["harm"] * o["amount"] for o in orders if o["orderId"] not in paid)
    net = (rec - n * costs["send"] - bad * costs["excess"] - harm) / total
    days = [(paid[o["orderId"]] - when(o["declinedAt"])).total_seconds() / 86400 for o in orders if o["orderId"] in paid]
    assert s["orders"] == len(orders) and s["recovered"] == len(paid) and s["attempts"] == n and s["breaches"] == bad, (s, len(paid), n, bad)
    assert abs(s["amountShare"] - rec / total) < 1e-5 and abs(s["netShare"] - net) < 1e-5, (s, rec / total, net)
    assert abs(s["daysMedian"] - statistics.median(days)) < 1e-3


def check(path):
    t = time.time()
    w = Pipe(path, WORLD_SEED="1")
    hello = w.ask(op="hello", protocol=1)
    start = time.time() - t
    assert start < 10 and hello["protocol"] == 1 and set(hello["costs"]) == {"send", "excess", "harm"}, hello
    assert when(hello["now"]) < when(hello["until"]) and hello["orders"] > 0 and hello["world"]
    for line in ("not json", "[1]", '{"op":"nonsense"}', '{"op":"charge"}', '{"op":"charge","arm":"x","charges":3}', '{"x":1}',
                 '{"op":"orders","before":"yesterday"}', '{"op":"hello","protocol":99}'):
        assert "error" in w.raw(line), line
    t = time.time()
    rows = history(w, 5000)
    read = time.time() - t
    assert read < 20 and rows == history(w, 4321)
    past = check_history(rows, hello)
    orders = all_orders(w, hello, past)
    several = {}
    for o in orders:
        several[o["customerId"]] = several.get(o["customerId"], 0) + 1
    # three arms with the same charges: by time in batches, one by one, and order by order from the last to the first
    sends = plan(orders)
    a, paid, n = play(w, "engine", sends, 200)
    score = w.ask(op="end", arm="engine")["score"]
    check_score(score, orders, a, paid, n, hello["costs"])
    b, _, _ = play(w, "base", sends, 1)
    c, _, _ = play(w, "other", sorted(sends, key=lambda x: (-x[1], x[0])), 1)
    assert a == b == c
    assert score == w.ask(op="end", arm="base")["score"] == w.ask(op="end", arm="other")["score"]
    # many tries: harm and the count limits
    many = plan(orders[:300], tuple(range(1, 27)) + tuple(range(40, 300, 13)))
    d, paid4, n4 = play(w, "many", many, 50)
    check_score(w.ask(op="end", arm="many")["score"], orders, d, paid4, n4, hello["costs"])
    # same id, back in time, before the decline, after it is paid, too late, another amount, unknown order, unknown card
    open_ = [o for o in orders if o["orderId"] not in paid]
    o, t0 = open_[0], when(open_[0]["declinedAt"])
    first = w.ask(op="charge", arm="edge", charges=[charge(o, t0 + 30 * H, "e1")])["answers"][0]
    again = w.ask(op="charge", arm="edge", charges=[charge(o, t0 + 30 * H, "e1"), charge(o, t0 + 90 * H, "e1")])["answers"]
    assert again == [first, first] and w.ask(op="end", arm="edge")["score"]["attempts"] == 1
    p = next(x for x in orders if x["orderId"] in paid)
    tp = paid[p["orderId"]]
    w.ask(op="charge", arm="edge", charges=[charge(p, tp, "e2")])
    bad = [charge(o, t0 + 29 * H, "b1"), charge(open_[1], when(open_[1]["declinedAt"]) - H, "b2"), charge(p, tp + H, "b3"),
           charge(o, when(o["expiresAt"]) + H, "b4"), dict(charge(o, t0 + 60 * H, "b5"), amount=1), dict(charge(o, t0 + 60 * H, "b6"), orderId="?")]
    for x, y in zip(bad, w.ask(op="charge", arm="edge", charges=bad)["answers"]):
        assert y["id"] == x["id"] and "error" in y and "state" not in y, y
    assert w.ask(op="end", arm="edge")["score"]["attempts"] == 2
    odd = dict(charge(o, t0 + 60 * H, "e3"), card=dict(o["card"], number="4000880000000002"))
    assert w.ask(op="charge", arm="edge", charges=[odd])["answers"][0]["state"] == "declined"
    # signals: each once for each arm, not from the future
    mid = when(hello["now"]) + (when(hello["until"]) - when(hello["now"])) / 2
    s1 = w.ask(op="signals", arm="engine", before=text(mid))["signals"]
    s2 = w.ask(op="signals", arm="engine", before=hello["until"])["signals"]
    s3 = w.ask(op="signals", arm="base", before=hello["until"])["signals"]
    assert s1 + s2 == s3 and all(when(s["at"]) < mid for s in s1) and all(when(s["at"]) >= mid for s in s2)
    for s in s3:
        card_ok(s["card"])
        assert s["customerId"] in several or not s3
    # 6,000 charges
    cs = [charge(o, when(o["declinedAt"]) + h * H, "%s/%d" % (o["orderId"], h)) for h in (20, 44, 68, 92) for o in orders][:6000]
    t = time.time()
    for k in range(0, len(cs), 100):
        assert len(w.ask(op="charge", arm="speed", charges=cs[k:k + 100])["answers"]) == len(cs[k:k + 100])
    speed = time.time() - t
    assert speed < 10
    w.close()
    # another process: the same seed gives the same world, another seed another
    v = Pipe(path, WORLD_SEED="1")
    assert v.ask(op="hello", protocol=1) == hello and v.ask(op="history", after=None, limit=5000)["rows"] == rows[:5000]
    assert all_orders(v, hello, past) == orders
    e, paid2, _ = play(v, "base", sends, 100)
    assert e == a and paid2 == paid and v.ask(op="end", arm="base")["score"] == score
    v.close()
    x = Pipe(path, WORLD_SEED="2", WORLD_ORDERS="300")
    h2 = x.ask(op="hello", protocol=1)
    assert h2["orders"] == 300 and x.ask(op="history", after=None, limit=1000)["rows"] != rows[:1000]
    x.close()
    return {"world": hello["world"], "orders": len(orders), "rows": len(rows), "payers": len(several),
            "several": round(sum(k > 1 for k in several.values()) / len(several), 3), "signals": len(s3), "score": score,
            "seconds": {"start": round(start, 1), "history": round(read, 1), "6000 charges": round(speed, 1)}}


if __name__ == "__main__":
    failed = 0
    for path in sys.argv[1:] or ALL:
        try:
            print("ok  ", json.dumps(check(path)), flush=True)
        except Exception as e:
            failed = 1
            import traceback
            traceback.print_exc()
            print("FAIL", path, type(e).__name__, str(e)[:500], flush=True)
    sys.exit(failed)
