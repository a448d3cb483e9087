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
from typing import Final

from recoup.bank.gateways import MAGIC as BANK_MAGIC
from recoup.kernel.problem import CODES
from recoup.kit.api.errors import REFUND_CODES, REFUND_DIGITS
from recoup.kit.rights import PARTNER_MAY
from recoup.main.settings import Settings
from recoup.orders.rules.events import CATALOGUE
from recoup.orders.rules.faces import MEANINGS, STATUS_NAMES, face
from recoup.orders.rules.lifecycle import ENDED, STEPS, Stage
from recoup.orders.rules.lifecycle import REASONS as BILLED
from recoup.people.page.permissions import AT_PARTNER
from recoup.people.page.words import API_STATES
from recoup.stablecoin.rules.channels import enabled
from recoup.stablecoin.rules.destinations import FORMS
from recoup.stablecoin.rules.event_names import DEFAULT, NAMES

ROOT: Final = Path(__file__).resolve().parent.parent
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
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines
    )


def code(text: object) -> str:
    return f"`{text}`" if text not in (None, "") else ""


# the life of an order
# -------------------------------------------------------------------------------------------


def diagram() -> str:
    """Steps between two stages share an arrow, and the ends of a billing a name."""
    arrows: dict[tuple[Stage, Stage], dict[str, None]] = {}
    for step in STEPS:
        name = (
            "an end of its invoice or subscription" if step.happening in BILLED else step.happening
        )
        arrows.setdefault((step.src, step.dst), {})[name] = None
    lines = ["```mermaid", "stateDiagram-v2"]
    for (src, dst), happenings in arrows.items():
        start = "[*]" if src is Stage.NEW else src.value
        lines.append(f"    {start} --> {dst.value}: {', '.join(happenings)}")
    lines += [f"    {stage.value} --> [*]" for stage in Stage if stage in ENDED]
    return "\n".join([*lines, "```"])


def face_table() -> str:
    """Statuses, with what the calls of a card payment answer in each."""
    faces = [
        face(stage, kind, 100, refunded, disputed)
        for stage in list(Stage)[1:]
        for kind in ("mit_managed", "mit_sync")
        for refunded in (0, 100)
        for disputed in (False, True)
    ]
    rows = []
    for status, name in STATUS_NAMES.items():
        shown = [one for one in faces if one.status == status]
        words = [
            dict.fromkeys(one.evaluate for one in shown),
            dict.fromkeys(one.outcome for one in shown),
        ]
        rows.append((f"{name} ({status})", MEANINGS[status], *map(", ".join, words)))
    return table(("status", "meaning", "`/evaluate`", "`/outcome`"), rows)


# errors, events, settings
# ---------------------------------------------------------------------------------------


def refund_table() -> str:
    rows = [
        (code(REFUND_CODES[name]), code(REFUND_DIGITS[name]), code(name), CODES[name])
        for name in REFUND_CODES
    ]
    return table(("responseCode", "statusCode", "code", "meaning"), rows)


def event_lists() -> str:
    """Events that are sent by default, and those on request."""
    lists = {"Sent by default": True, "On request": False}
    return "\n\n".join(
        f"{head}: "
        + ", ".join(code(one.name) for one in CATALOGUE.values() if one.default == by)
        + "."
        for head, by in lists.items()
    )


def settings_list() -> str:
    return "\n".join(
        f"- {code(spec.name)}{_default(spec.default)}: {_meaning(spec.metadata['meaning'])}"
        for spec in fields(Settings)
        if spec.name != "origins"
    )


def _default(value: object) -> str:
    return f" ({code(value)})" if value not in ("", None, ()) else ""


def _meaning(text: str) -> str:
    """Without what the setting's name and the page say already."""
    return re.sub(r"^(live|sandbox|people): |; empty: none$", "", text)


# the stablecoin API
# ---------------------------------------------------------------------------------------------


def channel_table() -> str:
    rows = [
        (
            code(c.code),
            c.name,
            c.settlement,
            "yes" if c.supports_refund else "no",
            ", ".join(c.currencies) or "any",
        )
        for c in enabled(test=True)
    ]
    return table(("code", "name", "settlement", "refunds", "currencies"), rows)


def stablecoin_event_table() -> str:
    rows = [
        (code(name), code(ours), "yes" if name in DEFAULT else "on request")
        for name, ours in NAMES.items()
    ]
    return table(("event", "in the log", "sent by default"), rows)


def destination_table() -> str:
    """Forms of addresses, each with the chains that have it."""
    chains: dict[str, list[str]] = {}
    for chain, form in FORMS.items():
        chains.setdefault(form.words, []).append(chain)
    rows = [
        (", ".join(map(code, several)), words, code(f"{several[0]}:{FORMS[several[0]].example}"))
        for words, several in chains.items()
    ]
    return table(("chain", "address", "example"), rows)


def state_table() -> str:
    return table(("API", "portal"), [(code(api), word) for api, word in API_STATES])


def bank_table() -> str:
    """The sandbox bank's magic account numbers."""
    rows = [(code("…" + digits), what) for digits, what in BANK_MAGIC.items()]
    return table(("last digits of the account number", "result"), rows)


# people
# --------------------------------------------------------------------------------------------------


def partner_permissions() -> str:
    """What roles may do, one line for those that the same roles may do."""
    shared: dict[str, list[str]] = {}
    for action, text in AT_PARTNER.items():
        roles = ", ".join(role for role in PARTNER_MAY if action in PARTNER_MAY[role])
        shared.setdefault(roles, []).append(text)
    return "\n".join(f"- **{roles}**: {'; '.join(texts)}" for roles, texts in shared.items())


# reading the code
# -----------------------------------------------------------------------------------------------

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
        lines = [f"- {from_docs(file)}: {first_words(file)}" for file in files]
        parts.append("\n".join([f"### {story[0].upper()}{story[1:]}", "", *lines]))
    return "\n\n".join(parts)


def changes() -> str:
    where = tomllib.loads((ROOT / "scripts/stories.toml").read_text(encoding="utf-8"))["changes"]
    return "\n".join(
        f"- {wish}: {', '.join(map(from_docs, files))}" for wish, files in where.items()
    )


# evidence
# --------------------------------------------------------------------------------------------------


def evidence() -> str:
    """A table for each section of evidence.toml; a row says when, and how busy the machine was
    where that is known."""
    told = tomllib.loads((DOCS / "contributing/evidence.toml").read_text(encoding="utf-8"))
    parts = [f"The world: {code(told['world'])}"]
    for name, title in told["sections"].items():
        rows = [
            (
                row["claim"],
                row["figure"],
                row["command"],
                ", ".join(filter(None, (str(row["on"]), row.get("machine")))),
            )
            for row in told[name]
        ]
        parts.append(f"## {title}\n\n{table(('what', 'figure', 'command', 'on'), rows)}")
    return "\n\n".join(parts)


PARTS: Final[dict[str, Callable[[], str]]] = {
    "lifecycle-diagram": diagram,
    "faces": face_table,
    "refund-errors": refund_table,
    "events": event_lists,
    "settings": settings_list,
    "channels": channel_table,
    "stablecoin-events": stablecoin_event_table,
    "partner-permissions": partner_permissions,
    "bank-accounts": bank_table,
    "destinations": destination_table,
    "stablecoin-states": state_table,
    "stories": stories,
    "changes": changes,
    "evidence": evidence,
}

if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
