"""What a feature adds is declared once: a throwaway feature brings one of each, and nothing else is touched."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from uuid import UUID

import recoup
from recoup.bank.rules.matching import recipes_of
from recoup.desk.page.order.held import _cured
from recoup.desk.page.order.timeline import _words
from recoup.insight.flows import verify_ledger
from recoup.insight.store.proofs.ledger import MoneyLine
from recoup.kernel import feature
from recoup.kernel.extended import Extended
from recoup.kernel.feature import Addition, Feature, features
from recoup.orders.rules import attention, ledger, lifecycle
from recoup.orders.rules.attention import ATTENTION, DESK, REASONS, Attention, is_by_people, sentence_of
from recoup.orders.rules.ledger import PAYABLE, RECIPE, RECIPES, Entry, Recipe, with_recipes
from recoup.orders.rules.lifecycle import FACT, Books, Fact, Stage
from recoup.settlement.flows import report
from recoup.settlement.rules import settlement_file

SOURCE = Path(recoup.__file__).parent


@contextmanager
def with_feature(*adds: Addition, tables: tuple[Extended[object], ...] = ()) -> Iterator[None]:
    """`tables`: of the places; they are put together anew."""
    before = features()
    feature._features = feature.checked((*before, Feature(name="throwaway", adds=adds)))
    for table in tables:
        vars(table).pop("_all", None)
    try:
        yield
    finally:
        feature._features = before
        for table in tables:
            vars(table).pop("_all", None)


def test_a_reason_of_attention_is_one_row() -> None:
    lost = Attention("parcel_lost", "Parcel {0} is lost.", "Send it again.", DESK, by_people=True)
    with with_feature(ATTENTION(lost), tables=(attention.REASONS,)):
        code = f"{lost}:7"
        assert sentence_of(code) == "Parcel 7 is lost."
        assert is_by_people(lost)
        assert not is_by_people("outcome_unknown")
        shown = _cured(code, sentence_of(code))
        assert (shown.cause, shown.cure, shown.ask) == ("Parcel 7 is lost.", "Send it again.", DESK)
    assert sentence_of("parcel_lost:7") == "parcel_lost:7", "gone with its feature"


def test_a_posting_is_one_row() -> None:
    tip = Recipe("tip", "clearing", PAYABLE, "amount", files={"processor": "charge"}, words="left as a tip")
    tipped = Fact("tipped", "payment", frozenset({Stage.COMPLETED}), Books("tip", "payment"), None)
    tables = (ledger.RECIPES, report.KINDS, settlement_file.KINDS, lifecycle.FACTS)
    with with_feature(RECIPE(tip), FACT(tipped), tables=tables):
        assert report.kind_of("tip") == settlement_file.KINDS["tip"] == "amount"
        assert "tip" in recipes_of("processor")["charge"]
        assert "'tip'" in with_recipes("{amount}")()
        assert _words("tip") == "left as a tip"
        assert "tipped" in verify_ledger.money()
        payment = UUID(int=7)
        proof = verify_ledger._demanded(_line("tipped", payment, 300), set())
        entries = (Entry("clearing", "adyen", 300), Entry(PAYABLE, "", -300))
        assert proof == [(("payment", payment, "tip"), ("tip", entries))]
    assert "tip" not in report.KINDS, "gone with its feature"


def _line(happening: str, fact_id: UUID, units: int) -> MoneyLine:
    values = dict.fromkeys(MoneyLine.__struct_fields__)
    values |= {"happening": happening, "fact_id": fact_id, "units": units, "route": "adyen", "kind": "cit"}
    return MoneyLine(**values | {"order_id": UUID(int=1), "seq": 3, "business_at": datetime.now(UTC)})  # type: ignore[arg-type]


def test_all_that_is_declared_is_added() -> None:
    files = (file for file in SOURCE.rglob("*.py") if re.search(r"= (Recipe|Attention)\(", file.read_text()))
    names = [".".join(file.relative_to(SOURCE.parent).with_suffix("").parts) for file in files]
    assert len(names) > 5
    every = [one for name in names for one in vars(import_module(name)).values()]
    assert {one for one in every if isinstance(one, Attention)} <= set(REASONS), "a feature adds each"
    assert {one.name for one in every if isinstance(one, Recipe)} == set(RECIPES), "a feature adds each"
    facts = [one.books for one in (*lifecycle.STEPS, *lifecycle.FACTS.values()) if one.books]
    assert {one.recipe for one in facts} - {"collected", "advanced"} <= set(RECIPES)
