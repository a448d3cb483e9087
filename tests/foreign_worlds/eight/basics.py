"""Hash tags, times, months, time zones, Luhn: what ground.py builds on."""
import math, time
from datetime import datetime, timezone

HOUR, DAY, M64 = 3600, 86400, (1 << 64) - 1
_tags = {}


def mix(x):
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & M64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & M64
    return x ^ (x >> 31)


def tag(s):
    v = _tags.get(s)
    if v is None:
        v = 0xCBF29CE484222325
        for c in s.encode():
            v = (v ^ c) * 0x100000001B3 & M64
        _tags[s] = v
    return v


def ts(y, m, d, h=0, mi=0):
    return int(datetime(y, m, d, h, mi, tzinfo=timezone.utc).timestamp())


def iso(t):
    g = time.gmtime(t)
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % g[:6]


def parse(s):
    d = datetime.fromisoformat(s)
    if d.tzinfo is None:
        d = d.replace(tzinfo=timezone.utc)
    return int(d.timestamp())


def ymd(t):
    return time.gmtime(t)[:3]


def weekday(t):
    """0 = Monday, of a local second count"""
    return (t // DAY + 3) % 7


def month_add(y, m, k):
    m += k - 1
    return y + m // 12, m % 12 + 1


def month_days(y, m):
    y2, m2 = month_add(y, m, 1)
    return (ts(y2, m2, 1) - ts(y, m, 1)) // DAY


def months(t0, t1):
    """(y, m) of all months that touch [t0, t1]"""
    y, m, _ = ymd(t0)
    while ts(y, m, 1) <= t1:
        yield y, m
        y, m = month_add(y, m, 1)


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > -60 else 0.0


def pick(u, pairs):
    """pairs of (value, weight); u in [0, 1)"""
    u *= sum(w for _, w in pairs)
    for v, w in pairs:
        u -= w
        if u < 0:
            return v
    return pairs[-1][0]


def luhn_digit(body):
    s = 0
    for k, c in enumerate(reversed(body)):
        d = int(c)
        if k % 2 == 0:
            d = d * 2 - 9 if d > 4 else d * 2
        s += d
    return str(-s % 10)


def dst_bounds(rule, year):
    def sunday(m, n):  # n-th Sunday, or the last with n = 0
        if n:
            first = (6 - weekday(ts(year, m, 1))) % 7 + 1
            return ts(year, m, first + 7 * (n - 1))
        last = ts(year, m, month_days(year, m))
        return last - (weekday(last) + 1) % 7 * DAY
    if rule == "eu":
        return sunday(3, 0) + HOUR, sunday(10, 0) + HOUR
    return sunday(3, 2) + 7 * HOUR, sunday(11, 1) + 6 * HOUR  # us
