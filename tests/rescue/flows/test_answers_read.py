"""Every answer of the port has a row in the one table, and every flow that hears one reads it
there."""

import ast
from typing import Final, get_args

from tests.subjects import SOURCE, files_of

from recoup.processors.gateways.outcome import Fault, State
from recoup.processors.rules.answers import CHARGES, MESSAGES, TABLE, WRONG, Audience, Step, follows

# What sends a message that may be refused, or asks what became of one.
ASKS: Final = {"charge", "modify", "inquire", "answer_dispute"}
READS: Final = {"follows", "note_answer", "read_answer", "processor_result", "never_processed"}
# Each with the reason why no refusal is left to be read.
ELSEWHERE: Final = {
    "switches/flows/try_connection.py": (
        "a probe of nobody's payment: the page shows what came back"
    ),
    "onboarding/flows/live_check.py": "a probe of nobody's payment: the line says what is wrong",
    "notices/flows/work.py": "asks about what is over; only an approval or a failure changes it",
    "stablecoin/flows/expire.py": "a channel that has a payer's payment, or has not",
    "stablecoin/flows/pay.py": "a channel that has a payer's payment, or has not",
}


def test_every_message_state_and_fault_has_its_row() -> None:
    complaints = []
    for message in MESSAGES:
        for state in get_args(State):
            for fault in (None, *get_args(Fault)):
                row = TABLE.get((message, state, fault))
                if row is None:
                    complaints.append(f"{message} {state} {fault}: no row")
                    continue
                if (
                    state == "not_sent"
                    and fault in WRONG
                    and row.step in ("try_later", "inquire", "route_waits")
                ):
                    complaints.append(f"{message} {state} {fault}: repeated blind")
                if row.step in ("refused", "other_route") and row.notifies == "nobody":
                    complaints.append(f"{message} {state} {fault}: nobody is told")
                if (
                    fault == "account"
                    and state == "not_sent"
                    and (row.step, row.notifies) != ("route_waits", "operator")
                ):
                    complaints.append(
                        f"{message} {state} {fault}: it is the route's, and the operator's"
                    )
                if state == "unknown" and row.step != "inquire":
                    complaints.append(f"{message} {state} {fault}: it may have happened")
                if message not in CHARGES and row.step in (
                    "other_route",
                    "card_instead",
                    "wait_for_payer",
                ):
                    complaints.append(f"{message} {state} {fault}: only a charge can do that")
    assert complaints == []
    used = {row.step for row in TABLE.values()}
    assert (used, {row.notifies for row in TABLE.values()}) == (
        set(get_args(Step)),
        set(get_args(Audience)),
    )
    assert follows("card", "not_sent", "request").step == "other_route"


def test_every_flow_that_asks_a_processor_reads_the_fault() -> None:
    """By its source: a file that calls one of `ASKS` on a processor calls one of `READS` on what
    comes back."""
    unread, found = [], set()
    for file in files_of("flows"):
        name = file.relative_to(SOURCE).as_posix()
        calls = [
            node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)
        ]
        if not any(_asks(call.func) for call in calls):
            continue
        found.add(name)
        if name not in ELSEWHERE and not READS & {
            c.func.id for c in calls if isinstance(c.func, ast.Name)
        }:
            unread.append(name)
    assert unread == []
    assert set(ELSEWHERE) <= found, "a reason that is needed no more"
    assert {"rescue/flows/send.py", "rescue/flows/inquire.py", "refunds/flows/send.py"} <= found


def _asks(call: ast.expr) -> bool:
    if (
        not isinstance(call, ast.Attribute)
        or call.attr not in ASKS
        or not isinstance(call.value, ast.Name)
    ):
        return False
    return call.value.id in ("processor", "connector", "channel", "counterpart")
