"""Stripe's published calls at the connector's pinned version, and how a request or an answer
differs from them.

`published.json` holds names, types, choices and lengths of the `stripe` library of that version;
`scripts/make_stripe_facts.py` writes it. Below stand the rules that no type says, of these pages,
read on 26 November 2026: docs.stripe.com/currencies (minimum and maximum amounts, decimals),
docs.stripe.com/api/metadata and /pagination,
docs.stripe.com/get-started/account/statement-descriptors, and support.stripe.com, "Use of the
statement_descriptor parameter on PaymentIntents for card charges".
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

Plain = dict[str, Any]
_FACTS: Final[Plain] = json.loads((Path(__file__).parent / "published.json").read_text())
VERSION: Final[str] = _FACTS["version"]
SOURCE: Final[str] = _FACTS["source"]
CALLS: Final[Mapping[str, str]] = _FACTS["takes"]
ANSWERS: Final[Mapping[str, str]] = _FACTS["answers"]
_TYPES: Final[Mapping[str, Plain]] = _FACTS["types"]

_CURRENCIES: Final = (
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd btn "
    "bwp byn bzd cad cdf "
    "chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel ghs gip gmd gnf gtq "
    "gyd hkd hnl hrk htg "
    "huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl "
    "mga mkd mmk mnt mop "
    "mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd "
    "rub rwf sar sbd scr "
    "sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst "
    "xaf xcd xcg xof xpf "
    "yer zar zmw"
)
CURRENCIES: Final = frozenset(_CURRENCIES.split())
LEAST: Final = {
    "usd": 50,
    "aed": 200,
    "aud": 50,
    "bgn": 100,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 1500,
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "inr": 50,
    "jpy": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "nzd": 50,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "sgd": 50,
    "thb": 1000,
}
MOST: Final = 99_999_999
MOST_OF: Final = {
    "idr": 999_999_999_999, "inr": 999_999_999, "lbp": 99_999_999_999_999, "cop": 9_999_999_999_999,
    "huf": 9_999_999_999_999, "jpy": 9_999_999_999_999,
}  # fmt: skip
STEPS: Final = dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 10) | dict.fromkeys(
    ("isk", "ugx"), 100
)
SUFFIX_MAX: Final = 22
SUFFIX_BARRED: Final = frozenset("<>\\'\"*")
METADATA_KEYS, METADATA_NAME, METADATA_VALUE = 50, 40, 500
PAGE_MAX: Final = 100
KEY_MAX: Final = 255
_WHOLE: Final = re.compile(r"-?\d{1,19}", re.ASCII)
_CREATE: Final = "POST /v1/payment_intents"
_NO_DESCRIPTOR: Final = (
    "The statement_descriptor parameter is not supported for the payment_method_type `card`. To "
    "continue supporting "
    "payment_method_type `card`, please pass in `statement_descriptor_suffix` or remove the "
    "`statement_descriptor` "
    "parameter altogether."
)


class Fault(NamedTuple):
    """A fault of a request, in Stripe's words. `code`: None if Stripe names none."""

    code: str | None
    param: str
    message: str


def call_of(method: str, path: str) -> str:
    """`POST /v1/refunds/re_1` as `POST /v1/refunds/{}`."""
    parts = path.strip("/").split("/")
    return f"{method} /" + "/".join(
        "{}" if number == 2 else part for number, part in enumerate(parts)
    )


def faults(call: str, form: Plain) -> list[Fault]:
    """Faults of a request of this kind, in the order in which Stripe checks: names, then values,
    then rules."""
    if call not in CALLS:
        return []
    unknown = list(_unknown("", form, _TYPES[CALLS[call]]))
    if unknown:
        names = ", ".join(unknown)
        return [
            Fault(
                "parameter_unknown",
                unknown[0],
                f"Received unknown parameter{'s' * (len(unknown) > 1)}: {names}",
            )
        ]
    wrong = list(_wrong_members("", form, _TYPES[CALLS[call]]))
    return wrong or list(_against_rules(call, form))


def _unknown(prefix: str, form: Plain, members: Plain) -> Iterator[str]:
    types = {name.rstrip("!"): type for name, type in members.items()}
    for name, value in form.items():
        path = f"{prefix}[{name}]" if prefix else name
        if name not in types:
            yield path
            continue
        inner = _members(types[name], value)
        if inner is not None:
            yield from _unknown(path, value, inner)
        if isinstance(value, list) and isinstance(listed := _as_list(types[name]), dict):
            for one in value:
                if (inner := _members(listed, one)) is not None:
                    yield from _unknown(path, one, inner)


def _members(type: Any, value: Any) -> Plain | None:
    """Members of the object that this type is or may be; None if it is no object."""
    if not isinstance(value, dict) or not isinstance(type, dict):
        return None
    if "of" in type:
        return _TYPES[type["of"]]
    return next(
        (found for one in type.get("either", ()) if (found := _members(one, value)) is not None),
        None,
    )


def _as_list(type: Any) -> Any:
    if isinstance(type, dict) and "list" in type:
        return type["list"]
    return (
        next((one["list"] for one in type.get("either", ()) if "list" in one), None)
        if isinstance(type, dict)
        else None
    )


def _wrong_members(prefix: str, form: Plain, members: Plain) -> Iterator[Fault]:
    for name, type in members.items():
        bare = name.rstrip("!")
        path = f"{prefix}[{bare}]" if prefix else bare
        if bare in form:
            yield from _wrong(path, form[bare], type)
        elif name != bare:
            yield Fault("parameter_missing", path, f"Missing required param: {path}.")


def _wrong(path: str, value: Any, type: Any) -> Iterator[Fault]:
    if isinstance(type, str):
        yield from _wrong_primitive(path, value, type)
    elif "one" in type:
        if value not in type["one"]:
            yield Fault(None, path, f"Invalid {path}: must be one of {_listed(type['one'])}")
    elif "either" in type:
        tried = [list(_wrong(path, value, one)) for one in type["either"]]
        if all(tried):
            yield tried[-1][0]
    elif "list" in type and isinstance(value, list):
        for one in value:
            yield from _wrong(path, one, type["list"])
    elif "list" in type or not isinstance(value, dict):
        kind = "array" if "list" in type else "hash"
        yield Fault(
            f"parameter_invalid_{kind}", path, f"Invalid {'array' if kind == 'array' else 'object'}"
        )
    elif "map" in type:
        for name, one in value.items():
            yield from _wrong(f"{path}[{name}]", one, type["map"])
    else:
        yield from _wrong_members(path, value, _TYPES[type["of"]])


def _wrong_primitive(path: str, value: Any, type: str) -> Iterator[Fault]:
    name, _, longest = type.partition(" ")
    if name == "any":
        return
    if not isinstance(value, str):
        yield Fault(None, path, f"Invalid {name}: {json.dumps(value)}")
    elif name == "string" and longest and len(value) > int(longest):
        yield Fault(
            None, path, f"Invalid string: {value[:20]}…; must be at most {longest} characters"
        )
    elif name == "boolean" and value not in ("true", "false"):
        yield Fault(None, path, f"Invalid boolean: {value}")
    elif name == "integer" and not _WHOLE.fullmatch(value):
        yield Fault("parameter_invalid_integer", path, f"Invalid integer: {value}")
    elif name == "string" and not value and not path.startswith("metadata["):
        yield Fault(
            "parameter_invalid_empty",
            path,
            f"You passed an empty string for '{path}'. It cannot be unset.",
        )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(map(str, words[:-1]))} or {words[-1]}"


def _against_rules(call: str, form: Plain) -> Iterator[Fault]:
    metadata = form.get("metadata")
    if isinstance(metadata, dict):
        yield from _metadata(metadata)
    limit = int(form["limit"]) if "limit" in form else 1
    if not 1 <= limit <= PAGE_MAX:
        bound = "less than or equal to 100" if limit > PAGE_MAX else "greater than or equal to 1"
        yield Fault("parameter_invalid_integer", "limit", f"This value must be {bound}.")
    if "currency" in form and form["currency"].lower() not in CURRENCIES:
        known = ", ".join(sorted(CURRENCIES))
        yield Fault(
            None,
            "currency",
            f"Invalid currency: {form['currency']}. Stripe currently supports these currencies: "
            f"{known}",
        )
    elif call == _CREATE:
        yield from _amount(int(form["amount"]), form["currency"].lower())
    if call == _CREATE:
        yield from _card_intent(form)
    suffix = form.get("statement_descriptor_suffix")
    if isinstance(suffix, str) and suffix:
        yield from _suffix(suffix)
    if call == "POST /v1/invoices" and form.get("auto_advance") not in (None, "true", "false"):
        yield Fault(None, "auto_advance", f"Invalid boolean: {form['auto_advance']}")


def _metadata(metadata: Plain) -> Iterator[Fault]:
    if len(metadata) > METADATA_KEYS:
        yield Fault(None, "metadata", f"You may only specify up to {METADATA_KEYS} metadata keys.")
    for name, value in metadata.items():
        if len(name) > METADATA_NAME:
            yield Fault(
                None,
                "metadata",
                f"Metadata keys can have up to {METADATA_NAME} characters, but you passed "
                f"{len(name)}.",
            )
        if len(value) > METADATA_VALUE:
            yield Fault(
                None,
                f"metadata[{name}]",
                f"Metadata values can have up to {METADATA_VALUE} characters.",
            )


def _amount(amount: int, currency: str) -> Iterator[Fault]:
    """The stand-in's account settles each currency of `LEAST` in itself. The words for a wrong last
    digit are ours: the page says that such an amount is refused, not how."""
    least, most = LEAST.get(currency, 1), MOST_OF.get(currency, MOST)
    if amount < 1:
        yield Fault(
            "parameter_invalid_integer", "amount", "This value must be greater than or equal to 1."
        )
    elif amount < least:
        yield Fault(
            "amount_too_small",
            "amount",
            f"Amount must be at least {_shown_amount(least, currency)}",
        )
    elif amount > most:
        yield Fault(
            "amount_too_large",
            "amount",
            f"Amount must be no more than {_shown_amount(most, currency)}",
        )
    else:
        yield from out_of_step(amount, currency, "amount")


def out_of_step(amount: int, currency: str, param: str) -> Iterator[Fault]:
    """An amount in digits that the networks do not carry."""
    step = STEPS.get(currency, 1)
    if amount % step:
        message = f"Invalid amount: {amount} {currency} must be evenly divisible by {step}."
        yield Fault("parameter_invalid_integer", param, message)


def _shown_amount(amount: int, currency: str) -> str:
    decimal = str(amount) if currency == "jpy" else f"{amount // 100}.{amount % 100:02}"
    return f"${decimal} usd" if currency == "usd" else f"{decimal} {currency}"


def _card_intent(form: Plain) -> Iterator[Fault]:
    known = _TYPES["PaymentIntent.CreateParamsPaymentMethodOptions"]
    for number, type in enumerate(form.get("payment_method_types", ())):
        if type not in known:
            message = f'The payment method type "{type}" is invalid.'
            yield Fault(
                "payment_intent_invalid_parameter", f"payment_method_types[{number}]", message
            )
    if "statement_descriptor" in form and "card" in form.get("payment_method_types", ["card"]):
        yield Fault(None, "statement_descriptor", _NO_DESCRIPTOR)
    for name in ("off_session", "error_on_requires_action", "return_url", "mandate"):
        if name in form and form.get("confirm") != "true":
            message = f"You cannot provide `{name}` unless you also set `confirm` to true."
            yield Fault("parameter_missing", name, message)


def _suffix(text: str) -> Iterator[Fault]:
    name = "statement_descriptor_suffix"
    if len(text) > SUFFIX_MAX:
        yield Fault(
            None, name, f"The statement descriptor suffix must be at most {SUFFIX_MAX} characters."
        )
    elif SUFFIX_BARRED & set(text) or not text.isascii():
        yield Fault(
            "invalid_characters",
            name,
            "The statement descriptor suffix has characters that are not allowed.",
        )
    elif not any(one.isalpha() for one in text):
        yield Fault(None, name, "The statement descriptor suffix must contain at least one letter.")


def shown(plain: Plain) -> Plain:
    """An object as Stripe answers it: none of our own members, and null where it has nothing to
    say."""
    return _shown_members(plain, ANSWERS[plain["object"]])


def _shown_members(plain: Plain, name: str) -> Plain:
    found: Plain = {}
    for member, type in _TYPES[name].items():
        bare, is_page = member.rstrip("?"), isinstance(type, dict) and "page" in type
        if bare in plain and (not is_page or isinstance(plain[bare], dict)):
            found[bare] = _shown(plain[bare], type)
        elif bare != member and type != "any" and not is_page:
            found[bare] = None
    return found


def _shown(value: Any, type: Any) -> Any:
    if isinstance(value, list):
        return [_shown(one, _as_list(type) or "any") for one in value]
    if not isinstance(value, dict) or not isinstance(type, dict):
        return value
    if "page" in type:
        return value | {"data": [_shown(one, type["page"]) for one in value["data"]]}
    name = type.get("of") or ANSWERS.get(type.get("object") or type.get("id") or "")
    if name is not None:
        return _shown_members(value, name)
    return _shown(
        value, next((one for one in type.get("either", ()) if isinstance(one, dict)), "any")
    )


def differences(answer: Plain) -> list[str]:
    """Differences between an answered object, list or error and the published one: missing members,
    extra ones, and others of another type."""
    if "error" in answer:
        return list(_different("error", answer["error"], {"of": "PaymentIntent.LastPaymentError"}))
    if answer.get("object") == "list":
        lacks = [f"list lacks {name}" for name in ("data", "has_more", "url") if name not in answer]
        return lacks + [
            difference for plain in answer.get("data", ()) for difference in differences(plain)
        ]
    if answer.get("object") not in ANSWERS:
        return [f"no object {answer.get('object')}"]
    return list(_different(answer["object"], answer, {"object": answer["object"]}))


_KINDS: Final[Mapping[str, Any]] = {
    "any": object, "string": str, "integer": int, "number": (int, float), "boolean": bool,
}  # fmt: skip


def _different(path: str, value: Any, type: Any) -> Iterator[str]:
    if isinstance(type, str):
        name = type.partition(" ")[0]
        if not isinstance(value, _KINDS[name]) or (
            isinstance(value, bool) and name in ("integer", "number")
        ):
            yield f"{path} is no {name}"
    elif "one" in type:
        if value not in type["one"]:
            yield f"{path} is {value}"
    elif "either" in type:
        tried = [list(_different(path, value, one)) for one in type["either"]]
        if all(tried):
            yield tried[0][0]
    elif "list" in type or "page" in type:
        yield from _different_list(path, value, type)
    elif "id" not in type or not isinstance(value, str):
        yield from _different_object(path, value, type)


def _different_list(path: str, value: Any, type: Plain) -> Iterator[str]:
    listed = value.get("data") if "page" in type and isinstance(value, dict) else value
    if not isinstance(listed, list):
        yield f"{path} is no list"
    else:
        for one in listed:
            yield from _different(path, one, type.get("list", type.get("page")))


def _different_object(path: str, value: Any, type: Plain) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path} is no object"
    elif "map" not in type:
        yield from _different_members(
            path, value, _TYPES[type.get("of") or ANSWERS[type.get("object") or type["id"]]]
        )


def _different_members(path: str, plain: Plain, members: Plain) -> Iterator[str]:
    types = {name.rstrip("?"): (type, name.endswith("?")) for name, type in members.items()}
    yield from (f"{path} has {name} of its own" for name in plain if name not in types)
    for name, (type, nullable) in types.items():
        if plain.get(name) is not None:
            yield from _different(f"{path}.{name}", plain[name], type)
        elif not nullable:
            yield f"{path} lacks {name}"
