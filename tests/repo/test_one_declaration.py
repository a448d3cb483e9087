"""Holds that what a feature adds is declared once: a throwaway feature brings one of each."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import click
import pytest
from click.testing import CliRunner
from msgspec import Meta
from tests.door import opened_door
from tests.here import Here
from tests.rings import each
from tests.settlement.flows.test_fees import paid
from tests.worlds import Shop, make_shop, sandbox_world

import recoup
from recoup.audit import rules
from recoup.audit.rules import AUDIT, NOUN, Noun
from recoup.bank.rules.matching import recipes_of
from recoup.db.server import ServerAddress
from recoup.desk.page import audit_words
from recoup.desk.page.order.held import _cured
from recoup.desk.page.order.timeline import _words
from recoup.insight.flows import verify_ledger, verify_orders
from recoup.insight.flows.verify import verify
from recoup.kernel import feature
from recoup.kernel.extended import Extended
from recoup.kernel.feature import GROUP, Addition, Feature, features
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.services import Services
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api import errors
from recoup.kit.api.body import read_whole
from recoup.kit.api.wire import Shape
from recoup.kit.as_of import Window
from recoup.kit.cli.verb_group import LaterVerb
from recoup.kit.edge.openapi import document
from recoup.kit.languages.catalogues import CATALOGUE, catalogue, check_translations
from recoup.kit.languages.page_text import translated
from recoup.kit.languages.said import said
from recoup.main import api as main_api
from recoup.main.docs import dialects
from recoup.main.settings import load_settings
from recoup.merchants.cli import Opened
from recoup.orders.moves.change import Booked, Change
from recoup.orders.rules import attention, ledger, lifecycle
from recoup.orders.rules.attention import ATTENTION, DESK, Attention, is_by_people, sentence_of
from recoup.orders.rules.ledger import PAYABLE, RECIPE, RECIPES, Recipe, with_recipes
from recoup.orders.rules.lifecycle import FACT, Books, Fact, Stage
from recoup.rescue.flows.locked import Job
from recoup.settlement.flows import report
from recoup.settlement.rules import settlement_file
from recoup.stablecoin.api import resource
from recoup.terms.rules import settlement

EVER = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
SOURCE = Path(recoup.__file__).parent


@contextmanager
def with_feature(*adds: Addition, tables: tuple[Extended[object], ...] = ()) -> Iterator[None]:
    """`tables`: of the places; they are put together anew."""
    before = features()

    def take(now: tuple[Feature, ...]) -> None:
        feature._features = now
        catalogue.cache_clear()  # type: ignore[attr-defined]
        verify_orders.rows.cache_clear()
        verify_orders.events.cache_clear()
        for table in tables:
            vars(table).pop("_all", None)

    take(feature.checked((*before, Feature(name="throwaway", adds=adds))))
    try:
        yield
    finally:
        take(before)


def test_a_reason_of_attention_is_one_row() -> None:
    lost = Attention("parcel_lost", "Parcel {0} is lost.", "Send it again.", DESK, by_people=True)
    with with_feature(ATTENTION(lost), tables=(attention.REASONS,)):
        code = f"{lost.code}:7"
        assert sentence_of(code) == "Parcel 7 is lost."
        assert is_by_people("parcel_lost")
        assert not is_by_people("outcome_unknown")
        shown = _cured(code, sentence_of(code))
        assert (shown.cause, shown.cure, shown.ask) == ("Parcel 7 is lost.", "Send it again.", DESK)
    assert sentence_of("parcel_lost:7") == "parcel_lost:7", "gone with its feature"


TIP = Recipe(
    "tip", "clearing", PAYABLE, "amount", files={"processor": "charge"}, words="left as a tip"
)
TIPPED = Fact("gift.tipped", "attempt", frozenset({Stage.COMPLETED}), Books("tip", "attempt"), None)
TABLES = (ledger.RECIPES, report.KINDS, settlement_file.KINDS, lifecycle.FACTS)


def test_a_posting_is_one_row() -> None:
    with with_feature(RECIPE(TIP), FACT(TIPPED), tables=TABLES):
        assert report.kind_of("tip") == settlement_file.KINDS["tip"] == "amount"
        assert "tip" in recipes_of("processor")["charge"]
        assert "'tip'" in with_recipes("{amount}")()
        assert _words("tip") == "left as a tip"
        assert "gift.tipped" in verify_ledger.money()
    assert "tip" not in report.KINDS, "gone with its feature"


def test_a_posting_of_a_feature_is_written_proved_and_reported(server: ServerAddress) -> None:
    async def tip(shop: Shop, units: int, logged: int) -> None:
        def record(change: Change) -> None:
            charged = change.order.attempts[-1]
            booked = Booked(charged.attempt_id, [TIP(units, charged.route or "")])
            change.fact("gift.tipped", charged.attempt_id, booked=booked, units=logged)

        await shop.orders.change(Job(shop.key(await paid(shop, 4590)), record))

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await tip(shop, 300, logged=300)
            await shop.settle()
            assert (found := await verify(shop.world)).difference is None, found.difference
            (total,) = await report.report_totals(shop.world, shop.merchant_id, EVER)
            assert total.kinds["amount"] == 4590 + 300
            await tip(shop, 300, logged=200)
            difference = (await verify(shop.world)).difference
            assert difference is not None
            assert difference.field.startswith("entries of posting tip of attempt")

    with with_feature(RECIPE(TIP), FACT(TIPPED), tables=TABLES):
        asyncio.run(story())


def test_every_reason_that_is_raised_and_every_recipe_is_added() -> None:
    raised, posted = set[str](), set[str]()
    for file in sorted(SOURCE.rglob("*.py")):
        text = file.read_text()
        names = re.findall(r"raise_(?:attention|unclear)\([^A-Z\n]*\b([A-Z_]{4,})\b", text)
        if names or re.search(r"= Recipe\(", text):
            module = vars(
                import_module(".".join(file.relative_to(SOURCE.parent).with_suffix("").parts))
            )
            raised |= {module[name] for name in names}
            posted |= {one.name for one in module.values() if isinstance(one, Recipe)}
    assert len(raised) > 20
    assert raised <= set(attention.REASONS), "a feature adds each"
    assert posted == set(RECIPES), "a feature adds each"
    facts = [one.books for one in (*lifecycle.STEPS, *lifecycle.FACTS.values()) if one.books]
    assert {one.recipe for one in facts} - {"collected", "advanced"} <= set(RECIPES)


XX = Feature(name="xx", adds=(CATALOGUE({"xx": Path(__file__)}),))


def test_a_feature_brings_translations_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "de.json"
    pages = {"Parcels of {0}": "Pakete von {0}"}
    words = {
        "Parcel {0} is lost.": "Das Paket {0} ist verloren.",
        "Refund one of the two payments.": "Nein.",
    }
    file.write_text(json.dumps({"pages": pages, "words": words}))
    before = catalogue("de")
    with with_feature(CATALOGUE({"de": file})):
        check_translations()
        assert said("de", Sentence("Parcel {0} is lost.", 7)) == "Das Paket 7 ist verloren."
        assert (
            translated("<h1>Parcels of {{ name }}</h1>", catalogue("de").pages)
            == "<h1>Pakete von {{ name }}</h1>"
        )
        cure = attention.REASONS["paid_twice"].cure
        assert catalogue("de").words[cure] == before.words[cure], "what Recoup says stays as it is"
        assert catalogue("de").months == before.months
    assert catalogue("de") == before


@each(
    ("text", "why"),
    [
        ('{"words": {"Parcel {0} is lost.": "Das Paket {1} fehlt."}}', "{1} is not in it"),
        ('{"pages": {"<0>Parcels</0>": "Pakete"}}', "its marks are others"),
        ('{"checkout": {"Pay {amount}": "{summe} zahlen"}}', "{summe} is not in it"),
        ('{"word": {}}', "cannot be read"),
        ("[", "cannot be read"),
    ],
)
def test_a_translation_that_breaks_a_page_stops_the_start(
    text: str, why: str, tmp_path: Path
) -> None:
    file = tmp_path / "de.json"
    file.write_text(text)
    with with_feature(CATALOGUE({"de": file})), pytest.raises(Problem) as caught:
        check_translations()
    assert why in caught.value.message
    assert "throwaway" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.cure


def test_a_language_that_is_not_installed_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bringing = EntryPoint("xx", "tests.repo.test_one_declaration:XX", GROUP)
    monkeypatch.setattr(feature, "added", lambda group: {"xx": bringing})
    monkeypatch.setattr(feature, "_features", features())
    (tmp_path / "recoup.toml").write_text('features = "xx"')
    with pytest.raises(
        Problem, match="The feature xx is translated to 'xx', which is not installed"
    ):
        load_settings(data_dir=tmp_path)


def test_an_act_and_what_it_is_done_to_are_a_row_each() -> None:
    parcel = Noun("parcel", "orders", "shipment", "/parcels/{0}")
    adds = (AUDIT({"parcel.lost": "reported a parcel as lost"}), NOUN(parcel))
    with with_feature(*adds, tables=(rules.ACTIONS, rules.NOUNS)):
        assert rules.checked("parcel.lost", {"weight": 3}) == {"weight": 3}
        assert audit_words.what("parcel.lost") == "reported a parcel as lost"
        assert audit_words.object_word("parcel.lost") == "shipment"
        assert audit_words.place("parcel.lost", "7", {}) == "/parcels/7"
        assert "parcel" in audit_words.kinds_of("orders")
    with pytest.raises(ValueError, match="an act without words"):
        rules.checked("parcel.lost", {})


def test_a_detail_of_an_error_is_said_once_and_shown_by_each_dialect() -> None:
    problem = Problem("wrong_state", "The parcel left.", details={"parcel": "7"})
    scope: Any = {"type": "http", "headers": []}
    assert json.loads(errors.refusal(scope, problem).body)["customProperties"] == {"parcel": "7"}
    assert json.loads(resource.refusal(scope, problem).body)["error"]["parcel"] == "7"


GRACE = """
    grace_days: Annotated[
        int, Whole("Days of grace.", high=30, page=PageRow("Grace", "{grace_days} day{s}"))
    ] = 0
"""
IN_ITS_PROCESS = """
import sys
import recoup.terms.rules
recoup.terms.rules.__path__.insert(0, sys.argv[1])
from recoup.db.server import ServerAddress
from tests.repo.one_term_more import main
main(ServerAddress(sys.argv[2], int(sys.argv[3]), sys.argv[4]))
"""


def test_a_dated_term_is_one_field(server: ServerAddress, tmp_path: Path) -> None:
    source = Path(settlement.__file__).read_text()
    fields, mark, rest = source.partition("\n\nDEFAULT: Final")
    (tmp_path / "settlement.py").write_text(f"{fields.rstrip()}{GRACE}{mark}{rest}")
    where = (str(tmp_path), server.host, str(server.port), server.user)
    ran = subprocess.run(
        [sys.executable, "-c", IN_ITS_PROCESS, *where], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen["help"], "an option of the verb"
    assert seen["refused"] == ["The grace days is from 0 to 30.", "grace_days"]
    assert (seen["first"], seen["past"], seen["at"]) == (5, 5, [5, 7]), "stored, and as of then"
    assert "    grace days             7\n" in seen["text"]
    assert seen["noted"] == "[0, 5]"
    assert "7 days" in seen["page"]
    assert "1 day after the period" in seen["page"]


class ParcelBody(Shape, kw_only=True):
    """What is sent."""

    weight_grams: Annotated[int, Meta(ge=1, le=30_000)]
    """With its box."""
    by_air: Annotated[bool | None, Meta(description="Sends it by air.")] = None


class Parcel(Shape, kw_only=True):
    """What was sent."""

    id: str
    weight_grams: int
    by_air: bool
    by: str
    merchant: UUID


api = Api(group="Orders", scope="orders")


@api("POST /v1/parcels/{id}/send", body=ParcelBody, problems=("not_found",), verb="parcels send")
async def send(call: Call) -> Parcel:
    """Send a parcel. It leaves today."""
    body = read_whole(call.body, ParcelBody)
    if call.path["id"] == "lost":
        raise Problem("not_found", "There is no such parcel.", cure="Look for it.")
    return Parcel(
        id=call.path["id"],
        weight_grams=body.weight_grams,
        by_air=bool(body.by_air),
        by=call.scope.actor.text(),
        merchant=call.scope.merchant_id,
    )


def test_an_operation_is_a_route_documentation_and_a_verb(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main_api, "METHODS", (*main_api.METHODS, *api.methods))
    monkeypatch.setattr(main_api, "OPERATIONS", (*main_api.OPERATIONS, api.methods[0].operation))
    told = document(dialects()[0], "1.0")["paths"]["/v1/parcels/{id}/send"]["post"]
    assert (told["summary"], told["description"][:16]) == ("Send a parcel", "It leaves today.")

    cli = click.Group("recoup")
    LaterVerb("", (__name__,)).add(cli, "parcels")
    shown = CliRunner().invoke(cli, ["parcels", "send", "--help"]).output
    assert "send [OPTIONS] ID\n\n  Send a parcel. It leaves today.\n" in shown
    assert re.search(
        r"--weight-grams INTEGER RANGE +With its box.  \[1<=x<=30000; required\]", shown
    )
    assert re.search(r"--by-air / --no-by-air +Sends it by air.", shown)

    with opened_door(server) as door:
        caller = door.shop()
        by_key = caller.post("/parcels/7/send", {"weightGrams": 900, "byAir": True}).json()
        at = Opened(
            door.world, Services(door.orders, door.deliveries), Path(), "", merchant=caller.mid
        )
        here = Here(lambda work: door.run(work(at)))

        def typed(*words: str) -> Any:
            call = ["parcels", "send", *words, "--merchant", caller.mid]
            return CliRunner().invoke(cli, call, obj=here)

        printed = json.loads(typed("7", "--weight-grams", "900", "--by-air", "--json").output)
        assert printed == by_key | {"by": "operator:command"}
        assert typed("7", "--weight-grams", "900").output.splitlines()[:3] == [
            f"{name:22} {value}"
            for name, value in (("id", "7"), ("weightGrams", "900"), ("byAir", "no"))
        ]
        refused = typed("lost", "--weight-grams", "1").exception
        assert isinstance(refused, Problem)
        assert refused.sentence() == "There is no such parcel. Look for it."
