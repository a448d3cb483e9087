"""Reads a body by the Struct that the documentation shows of it, and collects every complaint."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar, get_args, get_origin

import msgspec
from msgspec import inspect as mi

from recoup.kernel.problem import Problem
from recoup.kit.api import field_rules as rules
from recoup.kit.api.field_rules import Limits, Rule, Wrong

COMPLAINTS_MAX: Final = 100  # fields that are complained about


class Complaints:
    """The first complaint of a field stands alone, as in the vendor's answers; of many fields
    nobody reads all."""

    __slots__ = ("_hints", "errors")

    def __init__(self) -> None:
        self.errors: dict[str, list[str]] = {}
        self._hints: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.errors

    def __bool__(self) -> bool:
        return bool(self.errors)

    def add(
        self, name: str, what: str = "", *, text: str | None = None, hint: str | None = None
    ) -> None:
        """`name`: with its path. `text`: the whole sentence, in place of one made of the field and
        `what`. `hint`: what to do, where the sentence is the vendor's and may not say it."""
        if name in self.errors or len(self.errors) >= COMPLAINTS_MAX:
            return
        self.errors[name] = [text or f"The field {name.rpartition('.')[2]} {what}."]
        if hint is not None:
            self._hints[name] = hint

    def missing(self, name: str, text: str | None = None) -> None:
        self.add(name, text=text or f"The {name.rpartition('.')[2]} field is required.")

    def forget(self, name: str) -> None:
        """Drops a complaint about a field that does not count after all."""
        self.errors.pop(name, None)
        self._hints.pop(name, None)

    def raise_if_any(self) -> None:
        """Ends the reading: all complaints at once. Raises: Problem(invalid)."""
        if self.errors:
            first = next(iter(self.errors.values()))[0]
            raise Problem("invalid", first, fields=self.errors, hints=self._hints)


def pascal(field: str) -> str:
    """Name of a field in this dialect: `credit_card` and `creditCard` are `CreditCard`."""
    return "".join(word[:1].upper() + word[1:] for word in field.split("_"))


@contextmanager
def named_as_here() -> Iterator[None]:
    """Refusals of a flow that other doors share name a field as this dialect does."""
    try:
        yield
    except Problem as problem:
        problem.fields = {pascal(name): texts for name, texts in problem.fields.items()}
        raise


ShapeT = TypeVar("ShapeT", bound=msgspec.Struct)
UNREAD: Final[dict[str, Any]] = {
    "unread": True
}  # a field that callers send and nobody reads: nothing is wrong with it
_WORD_MAX: Final = 32


def rule(by: Rule, *, missing: str | None = None) -> dict[str, Any]:
    """The `extra` of a field that is read by another rule than its type's. `missing`: the complaint
    where a required one is not there, in place of the vendor's sentence."""
    return {"rule": by, "missing": missing}


class _Field(NamedTuple):
    """`name` on the wire, `member` of the Struct, `complaint_name` in complaints. `empty`: what a
    required one is where none could be read. A field is read by its `rule`, or by the reader of the
    object that stands there, or a text in its place, or of the objects of a list, at most so many.
    """

    name: str
    member: str
    complaint_name: str
    required: bool
    empty: Any
    rule: Rule
    limits: Limits
    inner: "Reader[Any] | None" = None
    entries_max: int = 0  # 0: no list
    or_text: bool = False
    missing: str | None = None


class Reader(Generic[ShapeT]):
    """Made once of a Struct. Raises: TypeError for a field that has no rule."""

    def __init__(self, shape: type[ShapeT]) -> None:
        self._shape: Final = shape
        info = mi.type_info(shape)
        assert isinstance(info, mi.StructType)
        types = {field.name: field.type for field in msgspec.structs.fields(shape)}
        fields = [_field(shape, field, words_of(types[field.name])) for field in info.fields]
        self.fields: Final = [field for field in fields if field is not None]
        self._rows: Final = [
            (
                field.name,
                field.required,
                field.limits.high if field.rule is rules.text and not field.inner else 0,
                field.member,
                (field.rule, field.limits, field.inner, field),
            )
            for field in self.fields
        ]

        of_wire = {field.encode_name: field.type for field in info.fields}
        self._special: Final = [
            field for field in self.fields if not _is_plain(field, of_wire[field.name])
        ]
        self._unread: Final = of_wire.keys() - {field.name for field in self.fields}

    def quick(self, raw: Any) -> ShapeT | None:
        """Reads a body like `read` when there is nothing to complain of, as in most; None where
        there may be."""
        if type(raw) is not dict or [
            1 for text in raw.values() if type(text) is str and (not text or text != text.strip())
        ]:
            return None
        made = raw.copy()
        for name in raw.keys() & self._unread:
            del made[name]
        for field in self._special:
            value, made_value = raw.get(field.name), None
            if value is None:
                continue
            if field.inner is None:
                made_value = field.rule(value, field.limits)
            elif not field.entries_max:
                made_value = field.inner.quick(value)
            elif type(value) is list and len(value) <= field.entries_max:
                made_value = [field.inner.quick(member) for member in value]
            if made_value is None or type(made_value) is Wrong:
                return None
            made[field.name] = made_value
        try:
            return msgspec.convert(made, self._shape)
        except msgspec.ValidationError:
            return None

    def read(self, raw: Any, complaints: Complaints, path: str = "") -> ShapeT:
        """Reads what can be read. It is good for something only if there is no complaint."""
        if type(raw) is not dict:
            if raw is not None:
                complaints.add(path or "Body", "must be an object in braces: {…}")
            raw = {}
        prefix = f"{path}." if path else ""
        values: dict[str, Any] = {}
        get = raw.get
        for name, required, text_max, member, rest in self._rows:
            value = get(name)
            if value is None and not required:
                continue
            if text_max and type(value) is str:  # most are: no call for them
                value = value.strip()
                if value and len(value) <= text_max:
                    values[member] = value
                    continue
            rule_, limits, inner, field = rest
            if inner is not None:
                values[member] = _inside(
                    field, inner, value, complaints, prefix + field.complaint_name
                )
                continue
            made = rule_(value, limits) if value is not None else None
            if made is None:
                if required:
                    complaints.missing(prefix + field.complaint_name, field.missing)
                    values[member] = field.empty
            elif type(made) is Wrong:
                complaints.add(
                    prefix + field.complaint_name, made.what, text=made.text, hint=made.hint
                )
                if required:
                    values[member] = field.empty
            else:
                values[member] = made
        return self._shape(**values)


def members(struct: msgspec.Struct) -> dict[str, Any]:
    """Members that were sent, by their names on the wire."""
    names = zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True)
    return {wire: value for wire, name in names if (value := getattr(struct, name)) is not None}


def read_body(raw: Any, shape: type[ShapeT]) -> tuple[ShapeT, Complaints]:
    """The body, and its complaints; handlers add theirs before they are raised."""
    complaints, reader = Complaints(), _reader(shape)
    return reader.quick(raw) or reader.read(raw, complaints), complaints


def read_whole(raw: Any, shape: type[ShapeT]) -> ShapeT:
    """A body about which there is no more to say. Raises: Problem(invalid), all complaints at
    once."""
    made, complaints = read_body(raw, shape)
    complaints.raise_if_any()
    return made


def _inside(
    field: _Field, inner: Reader[Any], value: Any, complaints: Complaints, path: str
) -> Any:
    if field.entries_max:
        return _objects(inner, value, complaints, path, field.entries_max)
    if field.or_text and isinstance(value, str):
        text = rules.text_or_blank(value, Limits())
        if isinstance(text, Wrong):
            complaints.add(path, text.what)
        return text
    if field.or_text and not isinstance(value, dict):
        complaints.add(path, "must be a string or an object")
        return None
    return inner.read(value, complaints, path)


def _objects(
    inner: Reader[Any], value: Any, complaints: Complaints, path: str, entries_max: int
) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        complaints.add(path, "must be a list in brackets: […]")
        return []
    if len(value) > entries_max:
        complaints.add(path, f"may have at most {entries_max} entries")
        return []
    return [
        inner.read(member, complaints, f"{path}[{index}]") for index, member in enumerate(value)
    ]


@cache
def _reader(shape: type[Any]) -> Reader[Any]:
    return Reader(shape)


def _field(shape: type[msgspec.Struct], field: mi.Field, words: tuple[str, ...]) -> _Field | None:
    kind, extra = unwrapped(field.type)
    if extra.get("unread") or field.name in getattr(shape, "unread", ()):
        return None
    made = _Field(
        field.encode_name,
        field.name,
        pascal(field.encode_name),
        field.required,
        _EMPTY.get(type(kind)),
        rules.text,
        Limits(),
        missing=extra.get("missing"),
    )
    if "rule" in extra:
        return made._replace(rule=extra["rule"], limits=_limits(kind))
    match kind:
        case mi.StructType(cls=cls):
            return made._replace(inner=_reader(cls))
        case mi.UnionType(types=(mi.StrType(), mi.StructType(cls=cls), *_)):
            return made._replace(inner=_reader(cls), or_text=True)
        case mi.ListType(item_type=mi.StructType(cls=cls), max_length=int() as most):
            return made._replace(inner=_reader(cls), entries_max=most)
        case mi.UUIDType():
            return made._replace(
                rule=rules.needed_identifier if field.required else rules.identifier
            )
        case mi.LiteralType():
            return made._replace(rule=rules.choice, limits=Limits(high=_WORD_MAX, words=words))
    rule = _BY_TYPE.get(type(kind))
    if rule is None:
        raise TypeError(f"{shape.__name__}.{field.name} has no rule, or no end")
    return made._replace(rule=rule, limits=_limits(kind))


def _is_plain(field: _Field, kind: mi.Type) -> bool:
    """True when the Struct itself takes what the rule takes, as it is."""
    inner, _ = unwrapped(kind)
    if isinstance(inner, mi.StrType):
        return field.rule is rules.text and field.inner is None and inner.max_length is not None
    return isinstance(inner, mi.BoolType) and field.rule is rules.flag


def unwrapped(kind: mi.Type) -> tuple[mi.Type, dict[str, Any]]:
    """The type without annotations and null, and what the annotations say besides."""
    if isinstance(kind, mi.Metadata):
        inner, extra = unwrapped(kind.type)
        return inner, {**extra, **(kind.extra or {})}
    if isinstance(kind, mi.UnionType):
        others = [other for other in kind.types if not isinstance(other, mi.NoneType)]
        if len(others) == 1:
            return unwrapped(others[0])
    return kind, {}


def words_of(kind: Any) -> tuple[str, ...]:
    """Words of a Literal, in the order in which they are written."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return next((words for arg in get_args(kind) if (words := words_of(arg))), ())


def _limits(kind: mi.Type) -> Limits:
    match kind:
        case mi.StrType(max_length=int() as most):
            return Limits(high=most)
        case mi.BytesType(max_length=int() as most):
            return Limits(high=-(-most // 3) * 4)
        case mi.IntType(ge=int() as low, le=int() as high):
            return Limits(low, high)
        case mi.IntType():
            raise TypeError("a number has no bounds")
        case mi.ListType(max_length=int() as most) | mi.DictType(max_length=int() as most):
            return Limits(high=most)
    return Limits()


_EMPTY: Final = {
    mi.StrType: "",
    mi.BytesType: b"",
    mi.IntType: 0,
    mi.BoolType: False,
    mi.ListType: (),
}
_BY_TYPE: Final[dict[type[mi.Type], Rule]] = {
    mi.StrType: rules.text, mi.IntType: rules.whole, mi.BoolType: rules.flag,
    mi.DateTimeType: rules.moment,
    mi.BytesType: rules.base64,
}  # fmt: skip
