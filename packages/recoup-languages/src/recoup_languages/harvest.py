"""Everything that a catalogue needs: the messages of every template, and the sentences that our
code writes for people, on pages and in mails.

For `scripts/make_languages.py` and its test; a running portal does not come here.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import recoup
import recoup_connectors
from recoup.kit.languages.page_text import ACT, Act, messages
from recoup.kit.languages.slots import ENDS
from recoup.kit.whence import BROWSER_NAMES
from recoup.networks.tables import read_table
from recoup.people.page.templates import FILES

SOURCE: Final = Path(recoup.__file__).parent
CONNECTORS: Final = Path(recoup_connectors.__file__).parent
# Written for people on every line; elsewhere only what a Problem says is.
_WORDY: Final = (
    "audit/rules.py", "bank/rules/matching.py", "insight/rules/explained.py",
    "insight/rules/what_if_sentences.py", "kit/live_check.py", "mail/rules/contacts.py",
    "main/portal.py", "mandates/rules.py", "merchants/rules/blocks.py", "network_tokens/rules.py",
    "networks/magic.py", "networks/magic_serials.py", "networks/magic_updates.py",
    "networks/whys.py", "notifications/rules/notification", "onboarding/flows/go_live.py",
    "onboarding/rules/form.py", "onboarding/rules/onboarding.py", "orders/rules/attention.py",
    "orders/rules/events.py", "orders/rules/faces.py", "parts/rules.py",
    "people/rules/account_words.py", "people/rules/letters.py", "mail/rules/payer_words.py",
    "orders/rules/notices.py", "processors/rules/route_terms.py",
    "reconciliation/flows/reconcile.py", "rescue/moves/by_merchant.py", "rescue/moves/charges.py",
    "rescue/rules/arms.py", "rescue/rules/by_hand.py", "rescue/rules/card_update.py",
    "rescue/rules/charge.py", "rescue/rules/decide.py", "rescue/rules/gate.py",
    "rescue/rules/model_standing.py", "rescue/rules/route_by_worth.py", "rescue/rules/sentences.py",
    "rescue/rules/signal.py", "risk/rules/advance", "switches/flows/try_connection.py",
    "sandbox/flows/samples_under_way.py", "stablecoin/moves/payment.py", "terms/rules/fees.py",
    "webhooks/flows/send_sample.py", "webhooks/rules/endpoint_whys.py", "connectors/findings.py",
)  # fmt: skip
# Words for names that stand in the database, and words too small to be known from names.
_NAMED: Final = (
    "Owner",
    "Operations",
    "Analyst",
    "Developer",
    "Operator",
    "Merchant",
    "Partner",
    "No membership yet",
    "Sandbox",
    "Live",
    "Site",
    "Campaign",
    "Active",
    "Paused",
    "Owed",
    "Sent",
    "Done",
    "Stuck",
    "Refused",
    "Netted",
    "overdue",
    "within a day",
    "in 1 to 3 days",
    "in 4 to 7 days",
    "in 8 to 14 days",
    "in 15 days or more",
    "never",
    "Requested",
    "Proved",
    "To prove",
    "Approved",
    "Waits",
    "Failed",
    "Returned",
    "Ended",
    "Low",
    "Normal",
    "High",
    "Receipt",
    "Refunded",
    "Charge coming",
    "Challenge",
    "Payment link",
    "Payment link early",
    "Payment link sms",
    "Withheld",
    "New",
    "Ok",
    "Disabled",
    "An unknown browser",
    "A browser on {0}",
    *(f"{name} on {{0}}" for name in BROWSER_NAMES),
    "A Python program",
    "{0} (cardholder’s local time)",
    "owner",
    "operations",
    "analyst",
    "developer",
    "day",
    "week",
    "month",
    "any",
    "CIT (web)",
    "CIT (call centre)",
    "refund",
    "reversal",
    "void",
    "capture",
    "charge",
    "fee",
    "funding",
    "dispute",
    "today",
    "yesterday",
    "from",
    "to",
    "a deletion",
    "a correction",
    "a test",
    "control total",
    "number of records",
    "number of accounts",
    "number of groups",
    "came in",
    "went out",
    "commas",
    "semicolons",
    "tabs",
    "bars",
    "name",
    "address",
    "unknown",
    "password",
    "code",
    "recovery code",
    "waiting",
    "booked",
    "refused",
    "owed",
    "by",
    "explored up to",
    "challenge",
    "declined",
    "not_sent",
    "own attempts",
    "simulated",
)
_FORMS: Final = tuple(
    f"connectors/{vendor}/kind.py" for vendor in ("adyen", "braintree", "nmi", "stripe")
)
_PAGES_AND_WORDS: Final = re.compile(r"/page(/|\.py$)|/words\.py$")
_CALLERS_ONLY: Final = re.compile(
    r"(^|/)(api|cli|edge|gateways)(/|\.py$)|^(outside|docs|checkout|main)/|/verbs\.py$"
)
_YET: Final = (
    "main/bootstrap.py",
    "main/live_opening.py",
    "main/open_world.py",
    "main/portal.py",
    "main/recover.py",
    "main/rekey.py",
    "main/feature.py",
    "mandates/api.py",
    "outside/inbound.py",
    "parts/cli.py",
)
_NOBODY: Final = (
    "people/page/form_shape.py", "people/page/feature_parts.py", "kit/languages/",
    "stablecoin/flows/", "stablecoin/rules/", "rescue/flows/transmit.py",
    "rescue/flows/tokenize.py", "refunds/flows/late.py", "keys/rules/signing.py",
    "orders/rules/amounts.py", "orders/rules/cycles.py",
    "chains/channels.py", "chains/deploy.py", "chains/dev_node.py", "chains/trial.py",
    "kernel/extensions.py", "kernel/feature.py", "db/migrate.py", "db/pool.py",
)  # fmt: skip
_SAID: Final = frozenset(
    {"message", "finding", "cure", "REASONS", "CURES", "LEFT_OUT", "AGAIN", "ACCOUNTS", "_ACCOUNTS"}
)
_LETTERS: Final = re.compile(r"[^\W\d_]{2}")
_NAMES: Final = re.compile(
    r"^\S*[a-z](?:[A-Z]\S*|\.\S+)$"
    r"|^\S*[=_#@/]\S*$|[<>|]|; \w+=|https?:|%[A-Za-z]|\.(html|css|js|csv|json)\b|^/|^[A-Z]+$"
    r"|\[(\{|[A-Z]\]|$)|^MAC |'self'|^public, |^page failed$|^(curl|export|-H) "
    r"|\b(SELECT|FROM|WHERE|RECOUP_\w+|live_processor_url)\b"
)
_SHORT: Final = re.compile(r"[\W\d]*\w{1,2}[\W\d]*")


def pages() -> list[str]:
    """Every message of the portal's templates, and of features'."""
    found = [message for file in FILES.values() for message in messages(file.read_text())]
    elsewhere = {one for one in found if not isinstance(one, Act)}
    acts = [ACT + one if one in elsewhere else one for one in found if isinstance(one, Act)]
    return list(dict.fromkeys([*(one for one in found if one in elsewhere), *acts]))


def is_for_people(name: str) -> bool:
    return name in _YET or not (_CALLERS_ONLY.search(name) or name.startswith(_NOBODY))


def is_wordy(name: str) -> bool:
    """True when every text in the file is for people, not only what a Problem says."""
    return name.startswith(_WORDY) or _PAGES_AND_WORDS.search(name) is not None


def words() -> list[str]:
    """Every sentence that our code may say on a page."""
    found = [*_NAMED, *(row["meaning"] for row in read_table("dispute-reasons.csv"))]
    for name, file in [*_files(SOURCE, ""), *_of_connectors()]:
        if is_for_people(name):
            tree = ast.parse(file.read_text())
            wordy = is_wordy(name)
            texts = (
                _texts(tree) if wordy else (text for root in _spoken(tree) for text in _texts(root))
            )
            found += [sentence for text in texts for sentence in _sentences(text, wordy)]
    return list(dict.fromkeys(found))


def _of_connectors() -> list[tuple[str, Path]]:
    return [
        file
        for file in _files(CONNECTORS, "connectors/")
        if file[0] in ("connectors/findings.py", *_FORMS)
    ]


def _files(folder: Path, prefix: str) -> list[tuple[str, Path]]:
    return [
        (prefix + file.relative_to(folder).as_posix(), file)
        for file in sorted(folder.rglob("*.py"))
    ]


def _spoken(tree: ast.AST) -> Iterator[ast.AST]:
    """Every Sentence; what every Problem says: its message and its cure, wherever they are put
    together; and what a Locale says."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "Sentence"
        ):
            yield from node.args[:1]
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "say"
        ):
            yield from node.args[:1]
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("complaint", "too_large", "PageRow")
        ):
            yield from node.args
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "Attention"
        ):
            yield from node.args[1:]
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "Recipe"
        ):
            yield from (
                keyword.value for keyword in node.keywords if keyword.arg in ("words", "suggested")
            )
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "OrderColumn"
        ):
            yield node.args[1]
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "hint")
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "CheckLine"
        ):
            yield from node.args[2:4]
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("Problem", "_refuse")
        ):
            yield from node.args[1:]
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "cure")
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "invalid"
        ):
            yield from (node.args[0], *node.args[2:])
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            texts = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
            texts = [] if isinstance(node.value, ast.DictComp) else texts
            yield from (texts if names & _SAID else [])


def _texts(root: ast.AST) -> Iterator[str]:
    quiet: set[int] = set()
    for node in ast.walk(root):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
        ):
            first = node.body[0]
            quiet |= {id(first.value)} if isinstance(first, ast.Expr) else set()
        if (said := getattr(node, "annotation", None)) is not None:
            calls = list(_spoken(said))  # Annotated[UUID, Problem("invalid", …)]
            quiet |= {id(inner) for inner in ast.walk(said)} - {
                id(one) for call in calls for one in ast.walk(call)
            }
        if isinstance(node, ast.JoinedStr):
            quiet |= {id(value) for value in node.values if isinstance(value, ast.Constant)}
            yield _shape(node)
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in quiet
        ):
            yield node.value


def _shape(node: ast.JoinedStr) -> str:
    """`{0}`, `{1}` … where something is filled in."""
    text, number = "", 0
    for value in node.values:
        if isinstance(value, ast.Constant):
            text += str(value.value)
        else:
            text, number = f"{text}{{{number}}}", number + 1
    return text


def _sentences(text: str, wordy: bool) -> Iterator[str]:
    for sentence in ENDS.split(" ".join(text.split())):
        plain = re.sub(r"\{\w*\}", "", sentence)
        is_prose = " " in sentence.strip() or sentence[:1].isupper() or not wordy
        if (
            _LETTERS.search(plain)
            and is_prose
            and not _NAMES.search(sentence)
            and not _SHORT.fullmatch(plain)
        ):
            yield sentence.strip()
