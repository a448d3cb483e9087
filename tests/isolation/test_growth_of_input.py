"""What a stranger's text costs a door: in every name and value of every route, by nobody and by whoever may call it.

Processor time of this process, which is the door's: at most so much for 64 KB, and with twice the text at most 2.3
times as much.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from starlette.routing import Route
from tests.hostile import GROWTH_MAX, TEXTS, Cost, cost_of, seconds_of
from tests.isolation.ground import Ground, Key, Side
from tests.isolation.hostile_calls import (
    BYTES,
    NEW,
    Noting,
    Sent,
    Slot,
    asked,
    ready,
    filled,
    headers_read,
    sent_by,
    slots_of,
    text_in,
)
from tests.isolation.table import TABLE
from tests.rings import drawn

from recoup.flows.people.sessions import open_session, read_session

SECONDS_MAX: Final = 0.05  # of 64 KB


@dataclass
class Caller:
    """Of one route: who calls it, and what the call costs without a text."""

    name: str
    sent: Sent
    sign: Any
    nothing: float = 0.0


def test_walk(ground: Ground) -> None:
    import os, sys
    only = os.environ.get("ONLY", "")
    who = os.environ.get("WHO", "nobody,rightful").split(",")
    out = open(os.environ.get("OUT", "/tmp/strangers/walk.txt"), "w")
    calls = 0
    begun = time.time()
    routes = {}
    for route in ground.routes:
        for key in TABLE:
            if key[1] == route.path and (not route.methods or key[0] in route.methods):
                routes[key] = route
    side = ground.b
    for number, (key, route) in enumerate(sorted(routes.items(), key=lambda one: ({"DELETE":2,"POST":1}.get(one[0][0],0), one[0]))):
        if only and only not in " ".join(key): continue
        line = TABLE[key]
        for caller in who:
            session = ground.operator if line.whose == "operator" else side.sessions["partner owner" if line.whose == "seat" else "owner"]
            if caller == "nobody": session = None
            elif line.whose == "anyone" and not key[1].startswith("/checkout"): continue
            if session is not None: session = alive(ground, session)
            sent = sent_by(ground, side, key, line, session)
            sign = (lambda m, p, q, c: side.signer.headers(m, p, q, c)) if session is not None and line.whose == "signer" else None
            with Noting() as noting:
                status = ground.run(asked(ground.app, ready(sent, sign)))
            run = lambda one: ground.run(asked(ground.app, one))
            nothing = seconds_of(lambda: run(ready(sent, sign)))
            slots = slots_of(route, key[0], frozenset(n for n in noting.names if isinstance(n,str)) if key[0] == "GET" else frozenset())
            for slot in slots:
                for name in TEXTS:
                    calls += 1
                    try:
                        made = lambda size: ready(filled(sent, slot, text_in(slot, name, size)), sign)
                        one = made(BYTES)
                        t0=time.process_time(); got = run(one); t1=time.process_time()-t0
                    except Exception as e:
                        out.write(f"ERROR {' '.join(key)} {caller} {slot} {name} {type(e).__name__} {str(e)[:200]}\n"); out.flush(); continue
                    if got >= 500: out.write(f"500 {' '.join(key)} {caller} {slot} {name} {got}\n")
                    if t1 - nothing > 0.008:
                        halfs = made(BYTES//2)
                        half = seconds_of(lambda: run(halfs)) - nothing
                        whole = min(t1, seconds_of(lambda: run(one), 0.012+nothing)) - nothing
                        if whole > 0.008 or whole > 2.3*half+.004:
                            out.write(f"{whole*1000:8.1f} ms {whole/max(half,1e-4):5.1f}x {' '.join(key)} {caller} {slot} {name} -> {got} (nothing {nothing*1000:.1f} {status})\n"); out.flush()
                        if whole > 1:
                            break
        out.flush()
    out.write(f"{calls} calls {time.time()-begun:.0f}s\n")


def alive(ground: Ground, session: tuple[str, str]) -> tuple[str, str]:
    found = ground.run(read_session(ground.door.world, session[0]))
    assert found is not None
    return session
