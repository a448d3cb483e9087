"""A simulation's outcome, for people and for programs."""

from dataclasses import asdict
from typing import Any, Final

from recoup_lab.simulate.run import Simulated

_COLUMNS: Final = 3


def as_dict(done: Simulated) -> dict[str, Any]:
    return asdict(done) | {
        "per_second": round(done.per_second, 1),
        "seconds": round(done.seconds, 2),
    }


def as_text(done: Simulated) -> str:
    """Text of what was done, what went wrong on purpose, what was proved. The hash is not in it: it
    is the last line."""
    plan, deaths = done.plan, sum(done.deaths.values())
    faults = {k.removeprefix("fault "): v for k, v in done.faults.items() if k.startswith("fault ")}
    counterparts = {k: v for k, v in done.faults.items() if not k.startswith("fault ")}
    lines = [
        f"seed {plan.seed}: {plan.orders} orders of {plan.merchants} merchants, {plan.days} days",
        *_part("orders", done.stages),
        *_part("done", done.counts),
        *_part("at issuers, banks and channels", counterparts),
        *_part("faults", faults),
        *_part("crashes of the engine", {"total": deaths, "at different steps": len(done.deaths)}),
        "",
        f"{done.seconds:.1f} s, {done.per_second:.0f} orders/s; verified {done.checks} times",
        f"WRONG: {done.wrong}"
        if done.wrong
        else "0 double charges, 0 double refunds; every ledger sums to 0; no differences",
    ]
    return "\n".join(lines)


def _part(title: str, counts: dict[str, int]) -> list[str]:
    cells = [f"{name} {number}" for name, number in counts.items() if number]
    rows = [cells[at : at + _COLUMNS] for at in range(0, len(cells), _COLUMNS)]
    return ["", title, *("  " + "".join(cell.ljust(38) for cell in row).rstrip() for row in rows)]
