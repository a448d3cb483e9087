"""Work in a thread ends with its caller, and each such work has a bound that can be read."""

import ast
import asyncio
import time
from pathlib import Path
from typing import Final

import pytest
from tests.imports.rules.reading import attempts

import recoup
from recoup.imports.rules.report import Payments
from recoup.kernel.stop import look_up, stoppable
from recoup.kit.threads import run_stoppable

SOURCE: Final = Path(recoup.__file__).parent
# Where -> what is given to a thread: what bounds it, and where its loops look up.
WORK: Final = {
    "kit/edge/spool.py": {"content.write": "BLOCK bytes"},
    "backtest/flows/make.py": {"_payments": "PAYMENTS_MAX rows"},
    "uploads/flows/take.py": {
        "_digest": "FILE_BYTES_MAX; looks up at each piece",
        "form_of": "the head; looks up at each piece",
        "_kind_of": "the header alone",
        "lambda: list(islice(every, ROWS_AT_ONCE))": "ROWS_AT_ONCE",
    },
    "uploads/flows/file_turns.py": {"is_small": "SMALL_BYTES unpacked"},
    "backtest/flows/backtest.py": {
        "_add": "PAGE orders",
        "judge": "ORDERS_MAX; looks up at each group",
    },
    "backtest/flows/backtest_import.py": {
        "_add": "ROWS_AT_ONCE",
        "backtest_history": "ATTEMPTS_MAX; looks up at each hundred payments",
    },
    "imports/flows.py": {
        "lambda: look_over(source_of(content), answers)": "FILE_BYTES_MAX; looks up at each piece",
        "lambda: list(islice(outcomes, ROWS_AT_ONCE))": "ROWS_AT_ONCE",
        "counted": "ROWS_AT_ONCE",
        "report_of": "ROWS_MAX; looks up at each thousand rows",
        "lambda: list(counts.payments.guesses())": "ROWS_MAX; looks up at each thousand rows",
    },
    "engine/learn/learn.py": {"_train": "ATTEMPTS_MAX; looks up at each round"},
    "insight/flows/learn_risk.py": {"_learn": "PAYMENTS_MAX; looks up at each term"},
    "uplift/flows/uplift_report.py": {"_compared": "ORDERS_MAX; looks up at each thousand orders"},
    "insight/flows/verify.py": {"kept_tables": "26 weeks"},
    "desk/flows/exports.py": {
        "sheet.add": "a page",
        "self._sheet.close": "ROWS_MAX",
    },
    "desk/flows/export_file.py": {"_pack": "PART_BYTES", "zlib.decompress": "PART_BYTES"},
    "risk/flows/advance_bounds.py": {"kept_tables": "26 weeks"},
    "reconciliation/flows/reconcile.py": {
        "_hashed": "FILE_BYTES_MAX; looks up at each piece",
        "_statement": "SAMPLE_LINES of a table, BYTES_MAX of a bank's file",
        "lambda: list(islice(parsed, LINES_AT_ONCE))": "LINES_AT_ONCE",
    },
    "people/flows/list_preferences.py": {"_naming": "VIEWS_MAX a member; looks up at each ten"},
    "kit/sheet.py": {"sheet.add": "a page", "sheet.close": "ROWS_MAX"},
    "kit/workbooks.py": {"copyfileobj": "a file of a call, which is bounded"},
    "main/demo/demo.py": {
        "months_of()": "DEMO_DAYS",
        "self._months.timetables": "the cards of DEMO_DAYS",
    },
}


# Takes the same whatever it is given, so nobody has to stop it.
SMALL = {
    "people/flows/passwords.py": "one hash",
    "merchants/flows/standing.py": "a line of a file",
    "main/app.py": "modules of pages",
    "main/backup/examined.py": "a program with a time-out of its own",
}


def test_each_work_in_a_thread_is_stopped_with_its_caller_and_has_a_bound() -> None:
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        name = str(path.relative_to(SOURCE))
        if name == "kit/threads.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert not called.endswith(("to_thread", "run_in_executor")) or name in SMALL, name
                if called == "run_stoppable":
                    found.setdefault(name, set()).add(ast.unparse(node.args[0]))
    assert found == {name: set(works) for name, works in WORK.items()}


def test_a_file_whose_rows_all_have_one_id_takes_time_in_proportion_to_them() -> None:
    header = (
        "id,Created (UTC),Amount,Amount Refunded,Currency,Status,Customer ID,Card "
        "Fingerprint,PaymentIntent ID"
    )
    one = attempts(f"{header}\na,2026-03-01 06:00,19.00,0.00,usd,Failed,c1,f1,")[0]
    gathered, began = Payments(), time.process_time()
    for row in range(50_000):
        gathered.add(one._replace(row=row))
    assert gathered.summary().attempts == 1
    assert [len(list(gathered.guesses())), time.process_time() - began < 2] == [
        50_000,
        True,
    ]  # it took 8.6 s


def test_work_ends_with_the_caller_who_hung_up_or_whose_time_is_over() -> None:
    ended: list[float] = []

    def endless() -> None:
        try:
            for _ in stoppable(iter(int, 1), every=10):
                time.sleep(0.001)
        finally:
            ended.append(time.monotonic())

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await run_stoppable(endless)
        assert len(ended) == 1  # its place is not given on before
        assert await run_stoppable(lambda: look_up() or 7) == 7  # another's end is not one's own
        with pytest.raises(ZeroDivisionError):
            await run_stoppable(lambda: 1 // 0)

    asyncio.run(story())
    look_up()  # nothing waits here
