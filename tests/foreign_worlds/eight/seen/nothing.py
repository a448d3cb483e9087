"""nothing: timing does not matter. Every order has its own constant chance, drawn once; each minute is a fresh draw."""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import ground
from ground import ts


class Nothing(ground.World):
    name = "nothing"
    now = ts(2026, 2, 9)
    currency = "USD"
    zones = [("US", .45, -300, "us"), ("US", .25, -360, "us"), ("US", .07, -420, "us"), ("US", .23, -480, "us")]
    prices = [(999, 4), (1499, 3), (1999, 3), (2999, 2), (4999, 2), (9900, 1)]
    step = 6 * ground.HOUR

    def payer(self, p):
        p.weak = self.u("weak", p.i) < .3

    def cause(self, o):
        k = super().cause(o)
        if k is None and self.u("short", o.i) < (.26 if o.payer.weak else .045):
            return "funds"
        return k

    def begin(self, o):
        v = self.u("const", o.i)
        k = o.cause
        if k == "hard":
            o.x = 0.0
        elif k == "expired":
            o.x = .03 * v
        else:
            mean = {"funds": .2, "generic": .11, "limit": .25, "tech": .4}[k]
            o.x = min(.9, mean * 2.6 * v ** 1.6)       # mean about right, from almost nothing up

    def chance(self, o, t, past=()):
        return 1.0 if o.cause is None else o.x

    def bucket(self, o, t):
        return t // 60

    def code(self, o, t):
        if o.cause != "funds":
            return super().code(o, t)
        o.cause = None
        try:
            return super().code(o, t)
        finally:
            o.cause = "funds"

    def wait_hint(self, o, t):                          # advice that means nothing here
        v = self.u("hint", o.i)
        return None if v < .5 else (1, 24, 48, 96, 144, 192, 240)[int((v - .5) * 14)]


if __name__ == "__main__":
    ground.main(Nothing)
