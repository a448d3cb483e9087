"""Writes the parts of `docs/` that the code knows better, between their markers.

    .venv/bin/python scripts/make_docs.py [--check]

`--check` writes nothing and ends with 1 when a page is not current.
"""

import re
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import msgspec

from recoup.doors.docs.templates import CONSUMERS
from recoup.doors.portal.permissions import AT_MERCHANT, AT_PARTNER, table_of
from recoup.doors.portal.words import API_STATES
from recoup.doors.rescue.errors import REFUND_CODES, REFUND_DIGITS, TABLE
from recoup.doors.stablecoin.errors import TABLE as STABLECOIN_TABLE
from recoup.flows.people.sessions import MAY, PARTNER_MAY
from recoup.gateways.bank.sandbox import MAGIC as BANK_MAGIC
from recoup.kernel.problem import CODES
from recoup.main.settings import Settings
from recoup.rules.merchants.application import DECLINE_REASONS
from recoup.rules.merchants.application import STEPS as APPLICATION_STEPS
from recoup.rules.merchants.onboarding import TASKS
from recoup.rules.messages.event_data import Data
from recoup.rules.messages.events import CATALOGUE
from recoup.rules.messages.stable_events import DEFAULT, NAMES
from recoup.rules.network import magic
from recoup.rules.network.codes import SOURCES
from recoup.rules.network.tables import PROCESSOR_CODES
from recoup.rules.order.faces import MEANINGS, STATUS_NAMES, face
from recoup.rules.order.lifecycle import ENDED, FACTS, STEPS, Stage
from recoup.rules.rescue.completeness import WISHES
from recoup.rules.stable.channels import enabled
from recoup.rules.stable.destinations import FORMS

ROOT: Final = Path(__file__).resolve().parent.parent
ERRORS: Final = msgspec.json.decode((ROOT / "scripts/stablecoin_errors.json").read_bytes(), type=dict[str, str])
DOCS: Final = ROOT / "docs"
_PART: Final = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end of generated -->)", re.S)


def main(check: bool = False) -> int:
    stale = []
    for page in sorted([*DOCS.glob("*.md"), *DOCS.glob("contributing/*.md")]):
        text = page.read_text(encoding="utf-8")
        made = fill(text)
        if made != text:
            stale.append(page.name)
            if not check:
                page.write_text(made, encoding="utf-8")
    print(f"{'not current' if check else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if stale and check else 0


def fill(text: str) -> str:
    """A page with each generated part made anew. Raises: KeyError for a part that nobody makes."""
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n\n{found[3]}", text)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def code(text: object) -> str:
    return f"`{text}`" if text not in (None, "") else ""


# the life of an order -------------------------------------------------------------------------------------------


def diagram() -> str:
    """Steps between two stages share an arrow."""
    arrows: dict[tuple[Stage, Stage], list[str]] = {}
    for step in STEPS:
        arrows.setdefault((step.src, step.dst), []).append(step.happening)
    lines = ["```mermaid", "stateDiagram-v2"]
    for (src, dst), happenings in arrows.items():
        start = "[*]" if src is Stage.NEW else src.value
        lines.append(f"    {start} --> {dst.value}: {', '.join(happenings)}")
    lines += [f"    {stage.value} --> [*]" for stage in Stage if stage in ENDED]
    return "\n".join([*lines, "```"])


def step_table() -> str:
    rows = [
        (code(s.happening), s.src.value, s.dst.value, code(s.event), s.reason or "", s.books.recipe if s.books else "")
        for s in STEPS
    ]
    return table(("happening", "from", "to", "event", "reason", "ledger"), rows)


def fact_table() -> str:
    rows = [
        (
            code(f.happening),
            ", ".join(stage.value for stage in Stage if stage in f.stages),
            code(f.event),
            f.books.recipe if f.books else "",
        )
        for f in FACTS
    ]
    return table(("fact", "while the order is", "event", "ledger"), rows)


def face_table() -> str:
    rows = []
    for stage in list(Stage)[1:]:
        managed, sync = (face(stage, kind, 100, 0, False) for kind in ("mit_managed", "mit_sync"))
        word = managed.evaluate if managed.evaluate == sync.evaluate else f"{managed.evaluate} (sync: {sync.evaluate})"
        rows.append(
            (
                stage.value,
                f"{STATUS_NAMES[managed.status]} ({managed.status})",
                word,
                managed.outcome,
                MEANINGS[managed.status],
            )
        )
    return table(("stage", "order status", "/evaluate", "/outcome", "meaning of the status"), rows)


# errors, events, settings ---------------------------------------------------------------------------------------


def error_table() -> str:
    order = {name: number for number, name in enumerate(TABLE)}
    rows = [
        (str(TABLE[name].status), code(TABLE[name].digits), code(name), meaning, TABLE[name].for_example)
        for name, meaning in sorted(CODES.items(), key=lambda item: order[item[0]])
    ]
    return table(("HTTP", "six digits", "code", "meaning", "example"), rows)


def refund_table() -> str:
    rows = [(code(REFUND_CODES[name]), code(REFUND_DIGITS[name]), code(name), CODES[name]) for name in REFUND_CODES]
    return table(("responseCode", "statusCode", "code", "meaning"), rows)


def event_table() -> str:
    rows = [
        (f"[`{k.name}`](#{anchor(k.data)})", k.priority, "yes" if k.default else "on request", k.meaning)
        for k in CATALOGUE.values()
    ]
    return table(("event", "priority", "sent by default", "meaning"), rows)


def event_shapes() -> str:
    shapes: dict[type[Data], list[str]] = {}
    for kind in CATALOGUE.values():
        shapes.setdefault(kind.data, []).append(kind.name)
    parts = [_shape(shape, f"Of {', '.join(map(code, names))}.") for shape, names in shapes.items()]
    inner = {one: None for shape in shapes for field in msgspec.structs.fields(shape) for one in structs_in(field.type)}
    parts += [_shape(one, (one.__doc__ or "").strip()) for one in inner]
    return "\n\n".join(parts)


def _shape(shape: type[msgspec.Struct], words: str) -> str:
    rows = [
        (code(f.encode_name), *describe(f.type), "" if f.required else _absent(f.type))
        for f in msgspec.structs.fields(shape)
    ]
    return f"### {shape.__name__}\n\n{words}\n\n" + table(("field", "kind", "meaning", ""), rows)


def _absent(kind: Any) -> str:
    inner = get_args(kind)[0] if hasattr(kind, "__metadata__") else kind
    return "may be absent" if msgspec.UnsetType in get_args(inner) else "may be null or absent"


def structs_in(kind: Any) -> list[type[msgspec.Struct]]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [one for inner in get_args(kind) if not isinstance(inner, str) for one in structs_in(inner)]


def anchor(shape: type[Data]) -> str:
    return shape.__name__.lower()


def describe(kind: Any) -> tuple[str, str]:
    """(JSON kind, description) of an annotated field."""
    inner, *meta = get_args(kind) if hasattr(kind, "__metadata__") else (kind,)
    text = next((m.description for m in reversed(meta) if getattr(m, "description", None)), "")
    return json_kind(inner), text


def json_kind(kind: Any) -> str:
    plain = {int: "integer", str: "string", bool: "boolean"}.get(kind)
    if plain:
        return plain
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return f"[object](#{kind.__name__.lower()})"
    if get_origin(kind) in (list, tuple):
        return f"list of {describe(get_args(kind)[0])[0]}"
    name = getattr(kind, "__name__", "")
    if name in ("UUID", "datetime"):
        return {"UUID": "GUID", "datetime": "ISO 8601"}[name]
    if get_origin(kind) is not None and all(isinstance(one, str) for one in get_args(kind)):
        return "one of " + ", ".join(code(one) for one in get_args(kind))
    told = ["null" if one is type(None) else describe(one)[0] for one in get_args(kind) if one is not msgspec.UnsetType]
    if not told:
        raise ValueError(f"no word for {kind}")
    return " or ".join(told)


def settings_table() -> str:
    rows = []
    for spec in fields(Settings):
        if spec.name != "origins":
            variable = code(f"RECOUP_{spec.name.upper()}") if spec.name != "routes" else "none"
            default = code(spec.default) if spec.name != "routes" else "none"
            rows.append((code(spec.name), variable, default, spec.metadata["meaning"]))
    return table(("setting", "variable", "default", "meaning"), rows)


# magic inputs ---------------------------------------------------------------------------------------------------


def masked(card: str) -> str:
    """First six and last four: no page holds a whole number."""
    return code(f"{card[:6]}…{card[-4:]}")


def magic_table() -> str:
    """Everything but the rows of the decline tables, which are counted."""
    rows = []
    for one in magic.inputs():
        if one.kind not in ("response", "advice"):
            amount = "any" if one.amount is None else str(one.amount)
            rows.append(
                (
                    one.kind.replace("_", " "),
                    one.scheme,
                    masked(one.card),
                    amount,
                    one.phone or "",
                    one.answer,
                    one.note,
                )
            )
    return table(("kind", "network", "card", "amount, minor units", "phone", "answer", "note"), rows)


def code_cards() -> str:
    counted: dict[tuple[str, str], list[magic.MagicInput]] = {}
    for one in magic.inputs():
        if one.kind in ("response", "advice"):
            counted.setdefault((one.scheme, one.kind), []).append(one)
    rows = []
    for (scheme, kind), several in counted.items():
        example = several[0]
        rows.append(
            (
                scheme,
                kind,
                str(len(several)),
                masked(example.card),
                f"{example.amount} → {example.code}: {example.note}",
            )
        )
    return table(("network", "kind of code", "codes", "card", "example"), rows)


# the stablecoin API ---------------------------------------------------------------------------------------------


def channel_table() -> str:
    rows = [
        (code(c.code), c.name, c.settlement, "yes" if c.supports_refund else "no", ", ".join(c.currencies) or "any")
        for c in enabled(test=True)
    ]
    return table(("code", "name", "settlement", "refunds", "currencies"), rows)


def stablecoin_event_table() -> str:
    rows = [(code(name), code(ours), "yes" if name in DEFAULT else "on request") for name, ours in NAMES.items()]
    return table(("event", "in the log", "sent by default"), rows)


def destination_table() -> str:
    rows = [(code(chain), form.words, code(f"{chain}:{form.example}")) for chain, form in FORMS.items()]
    return table(("chain", "address", "example"), rows)


def state_table() -> str:
    return table(("API", "portal"), [(code(api), word) for api, word in API_STATES])


def stablecoin_error_table() -> str:
    statuses: dict[str, set[str]] = {}
    for status, known in STABLECOIN_TABLE.values():
        statuses.setdefault(known, set()).add(str(status))
    rows = [(", ".join(sorted(several)), code(known), ERRORS[known]) for known, several in statuses.items()]
    return table(("HTTP", "code", "meaning"), sorted(rows))


def bank_table() -> str:
    """The sandbox bank's magic account numbers."""
    rows = [(code("…" + digits), what) for digits, what in BANK_MAGIC.items()]
    return table(("last digits of the account number", "result"), rows)


# onboarding -----------------------------------------------------------------------------------------------------


def merchant_permissions() -> str:
    return table(("at a merchant", *MAY), table_of(AT_MERCHANT, MAY))


def partner_permissions() -> str:
    return table(("at a partner", *PARTNER_MAY), table_of(AT_PARTNER, PARTNER_MAY))


def application_table() -> str:
    rows = [
        (code(one.happening), one.src.value, one.dst.value, code(one.event) if one.event else "")
        for one in APPLICATION_STEPS
    ]
    return table(("happening", "from", "to", "event"), rows)


def decline_table() -> str:
    return table(("reason", "meaning"), [(code(reason), text) for reason, text in DECLINE_REASONS.items()])


def checklist_table() -> str:
    return table(("step", "complete when"), [(task.title, task.shows) for task in TASKS])


def consumer(ending: str, language: str) -> str:
    """A whole file, as it is served."""
    return f"```{language}\n{CONSUMERS[f'consumer.{ending}'].read_text(encoding='utf-8')}```"


def source_table() -> str:
    """With the code of each that says there is not enough money, where it has one."""
    rows = []
    for source in SOURCES:
        own = [row for row in PROCESSOR_CODES if row.source == source]
        sample = next((row for row in own if row.klass == "funds"), own[0])
        rows.append((code(source), str(len(own)), f"{code(sample.code)} {sample.text.lower()}"))
    return table(("source", "known codes", "example"), rows)


def rank_table() -> str:
    """Fields by rank, the most useful first, with the kind of payment where only one kind has it."""
    ranks = list(dict.fromkeys(wish.rank for wish in sorted(WISHES, key=lambda wish: -wish.points)))
    rows = [("Required", "what `/v1/evaluate` refuses without: it is in `complaints`", "")]
    for rank in ranks:
        for wish in sorted((one for one in WISHES if one.rank == rank), key=lambda one: -one.points):
            kinds = "" if len(wish.kinds) == 2 else ", ".join(sorted(kind.upper() for kind in wish.kinds))
            rows.append((rank, code(wish.field), f"{kinds}: {wish.why}" if kinds else wish.why))
    return table(("rank", "field", "why"), rows)


def world_example() -> str:
    text = (DOCS.parent / "examples/world/tiny_world.py").read_text(encoding="utf-8")
    return f"```python\n{text.strip()}\n```"


# reading the code -----------------------------------------------------------------------------------------------

_FIRST: Final = re.compile(r'"""(.*?)(?:\n\n|""")', re.S)


def first_words(file: str) -> str:
    """The first paragraph of a module's docstring; of a template, that it is one."""
    found = _FIRST.match((ROOT / "src/recoup" / file).read_text(encoding="utf-8"))
    return " ".join(found[1].split()) if found else "The template."


def from_docs(file: str) -> str:
    return f"[`{file}`](../../src/recoup/{file})"


def stories() -> str:
    told = tomllib.loads((ROOT / "scripts/stories.toml").read_text(encoding="utf-8"))["now"]
    parts = []
    for story, files in told.items():
        rows = [(str(number), from_docs(file), first_words(file)) for number, file in enumerate(files, 1)]
        parts.append(f"### {story[0].upper()}{story[1:]}\n\n{table(('', 'file', 'what it does'), rows)}")
    return "\n\n".join(parts)


def changes() -> str:
    where = tomllib.loads((ROOT / "scripts/stories.toml").read_text(encoding="utf-8"))["changes"]
    return table(
        ("what should change", "files"), [(wish, ", ".join(map(from_docs, files))) for wish, files in where.items()]
    )


PARTS: Final[dict[str, Callable[[], str]]] = {
    "lifecycle-diagram": diagram, "lifecycle-steps": step_table, "lifecycle-facts": fact_table, "faces": face_table,
    "errors": error_table, "refund-errors": refund_table, "events": event_table, "event-shapes": event_shapes,
    "settings": settings_table, "magic-inputs": magic_table, "code-cards": code_cards, "channels": channel_table,
    "stablecoin-events": stablecoin_event_table, "stablecoin-errors": stablecoin_error_table,
    "merchant-permissions": merchant_permissions, "partner-permissions": partner_permissions,
    "application-steps": application_table, "decline-reasons": decline_table, "checklist": checklist_table,
    "consumer-py": lambda: consumer("py", "python"), "consumer-mjs": lambda: consumer("mjs", "javascript"),
    "consumer-php": lambda: consumer("php", "php"),
    "bank-accounts": bank_table, "destinations": destination_table, "stablecoin-states": state_table,
    "code-sources": source_table, "ranks": rank_table, "world-example": world_example, "stories": stories,
    "changes": changes,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
