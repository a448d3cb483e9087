"""The same facts and the same model give the same decision on every machine and every Python.

By causes alone, scoring knows sums, products, quotients and comparisons, which IEEE 754 fixes to
the last digit: the hash of what they decide stands here. Where it changes the engine has changed:
then it is a new version of it. The regression works with arrays, whose last digits differ by
machine and by numpy: its chances are rounded before they are compared, and what it decides has one
hash, too. `make prove FAMILY=pythons` asks each Python with its own numpy.
"""

import ast
import hashlib
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from tests.engine.ground import evidence, model, regression
from tests.rings import each

import recoup
from recoup.engine.bins import GAP, HOURS, IDLE, SINCE, TRIES, WEEKDAYS
from recoup.engine.blocks import sizes
from recoup.engine.decide import decide
from recoup.engine.model import FORMAT, Model, Money, Refusal
from recoup.engine.rhythms import RHYTHMS
from recoup.kernel.time import BusinessTime
from recoup.policies.rules.policy import ENGINE_2
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, LIMIT, SOFT, TECHNICAL
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.facts import Look

DECISIONS = 300
HASH = "4fbbb9472575af55c45523ea4f0d8d274d0a2aea899712b94f66ca4e4a781461"
HASH_BOTH = "e9804e4a9360a2a6cec8ba93ad398f375584bef5cecee273232153e1f1a761be"  # with a regression
SOURCE = Path(recoup.__file__).parent
FOLDER = SOURCE / "engine"
NO_DECIDERS = ("trial.py", "cli.py", "verbs.py", "api.py", "page.py", "flows.py", "feature.py")
ARRAYS = ("blocks.py", "outlook.py", "pay_days.py", "regression.py")
FIXED = ("futures.py", "instants.py")  # arrays, number by number
BESIDE = (
    "kernel/steady",
    "rescue/rules/explore",
    "rescue/rules/facts",
    "rescue/rules/links",
    "policies/rules/policy",
)
MODULES = [
    *sorted(
        path for path in FOLDER.glob("*.py") if path.name not in (*NO_DECIDERS, *ARRAYS, *FIXED)
    ),
    *(SOURCE / f"{name}.py" for name in BESIDE),
]


def _model(dice: random.Random) -> Model:
    """Coefficients with six digits, as training writes them."""

    def row(size: int) -> tuple[float, ...]:
        return tuple(round(dice.random() * 4 - 2, 6) for _ in range(size))

    def shares() -> tuple[float, ...]:
        weights = [dice.random() for _ in RHYTHMS]
        return tuple(round(one / sum(weights), 6) for one in weights)

    return model(
        money=Money(
            (row(len(SINCE)), row(len(SINCE))),
            (row(len(GAP)), row(len(GAP))),
            row(3),
            (row(len(IDLE)), row(len(IDLE)), row(len(IDLE))),
            *row(1),
            tuple(round(dice.random(), 6) for _ in range(3)),
        ),
        refusal=Refusal(
            *row(1),
            tuple(row(len(GAP)) for _ in range(6)),
            row(TRIES),
            row(HOURS),
            row(WEEKDAYS),
            *row(2),
        ),
        rhythms=(shares(), shares()),
    )


def _asked(dice: random.Random) -> Evidence:
    declined = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(seconds=dice.randrange(90 * 86_400))
    answers = (APPROVED, FUNDS, SOFT, TECHNICAL, LIMIT)
    looks = sorted(
        declined - timedelta(seconds=dice.randrange(1, 60 * 86_400))
        for _ in range(dice.randrange(12))
    )
    tries = sorted(
        declined + timedelta(seconds=dice.randrange(1, 86_400)) for _ in range(dice.randrange(3))
    )
    return evidence(
        dice.choice(("51", "05", "61", "91")),
        first_declined_at=declined,
        started_at=declined,
        now=BusinessTime(declined + timedelta(seconds=dice.randrange(86_400, 3 * 86_400))),
        expires_at=declined + timedelta(days=dice.randrange(5, 30)),
        units=dice.randrange(100, 100_000),
        utc_offset=dice.choice((-480, -300, 0, 330)),
        first=Look(declined, dice.choice(answers[1:]), 0),
        first_key=dice.choice(("51", "05")),
        zone_known=dice.random() < 0.5,
        looks=tuple(Look(at, dice.choice(answers), dice.randrange(3)) for at in looks),
        tries=tuple(
            Look(at, dice.choice(answers[1:]), number) for number, at in enumerate(tries, 1)
        ),
        explore=dice.choice((0.0, 0.1)),
        draw=dice.random(),
        credit=dice.random() < 0.3,
    )


def _mixed(made: Model, off: float) -> Model:
    dice = random.Random(8)

    def row(size: int) -> tuple[float, ...]:
        return tuple((dice.random() * 2 - 1) * (1.0 + off) for _ in range(size))

    rows = {name: row(size) for name, size in sizes(2, 2).items()}
    given = regression(**rows, weight=0.337, bias=-0.25, lines=row(2), at=(0, 1, 2, 5))
    return Model(msgspec.structs.replace(made.learned, format=FORMAT, regression=given))


def _decided(made: Model, decisions: int) -> list[str]:
    dice = random.Random(7)
    told = [decide(_asked(dice), ENGINE_2, made).to_dict() for _ in range(decisions)]
    return [
        json.dumps([one[name] for name in ("verdict", "plan", "rules", "alternatives")])
        for one in told
    ]


def hash_of(decisions: int) -> str:
    # The dice that make the model go on to what it is asked.
    dice, digest = random.Random(7), hashlib.sha256()
    made = _model(dice)
    for _ in range(decisions):
        told = decide(_asked(dice), ENGINE_2, made).to_dict()
        digest.update(
            json.dumps(
                [told[name] for name in ("verdict", "plan", "rules", "alternatives")]
            ).encode()
        )
    return digest.hexdigest()


def test_decisions_by_causes_are_the_same_to_the_last_digit() -> None:
    assert hash_of(DECISIONS) == HASH


def test_decisions_with_a_regression_are_the_same_under_each_numpy() -> None:
    told = _decided(_mixed(_model(random.Random(9)), 0.0), DECISIONS)
    assert hashlib.sha256("".join(told).encode()).hexdigest() == HASH_BOTH


def test_what_differs_by_machine_changes_no_decision() -> None:
    made = _model(random.Random(9))
    assert _decided(_mixed(made, 0.0), DECISIONS // 3) == _decided(
        _mixed(made, 1e-14), DECISIONS // 3
    )


@each("path", MODULES)
def test_what_decides_asks_no_library_for_a_number(path: Path) -> None:
    """`math.exp` and its like differ by machine, `sum` of floats by Python."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not imported & {"math", "cmath", "statistics", "numpy"}
    assert not named & {"sum", "pow"}
    assert not any(isinstance(node, ast.Pow) for node in ast.walk(tree))


@each("name", FIXED)
def test_arrays_of_a_plan_are_counted_number_by_number(name: str) -> None:
    """`sum`, `dot` and `exp` of arrays differ by machine; `cumsum` and `bincount` go from left to
    right."""
    tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called, own = {one.attr for one in calls if isinstance(one, ast.Attribute)}, {"_beside", "get"}
    choosing = {
        *(
            "arange",
            "argmax",
            "argsort",
            "array",
            "astype",
            "concatenate",
            "empty",
            "frombuffer",
            "ravel",
        ),
        *(
            "reshape",
            "searchsorted",
            "stack",
            "take_along_axis",
            "tile",
            "tolist",
            "unique",
            "where",
            "zeros",
        ),
    }
    assert called <= own | choosing | {"abs", "bincount", "cumsum", "maximum", "multiply"}
    assert not any(isinstance(node, ast.MatMult) for node in ast.walk(tree))


if __name__ == "__main__":
    print(sys.version.split()[0], hash_of(int(sys.argv[1])))
