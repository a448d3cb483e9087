"""Notices: only what is signed now, by the right key, of this account; each is a hint."""

from datetime import timedelta

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.processors.gateways.connector import Notice
from recoup_lab.conformance.check import FailedError, NotOfferedError, check, hold, same
from recoup_lab.conformance.subject import OTHER, Subject
from recoup_lab.processors.serving import Posted

NOTICE_BYTES_MAX = 262_144


def _read(on: Subject, posted: Posted) -> list[Notice]:
    return on.read(posted.headers, posted.body)


def _refused(on: Subject, posted: Posted, *codes: str) -> None:
    try:
        found = _read(on, posted)
    except NotOfferedError:
        raise
    except Problem as problem:
        hold(problem.code in codes, problem.code)
    except Exception as error:  # noqa: BLE001 - whatever else a connector raises is a finding
        raise FailedError(type(error).__name__) from None
    else:
        raise FailedError(f"{len(found)} read")


@check(46, "an unsigned notice is refused")
async def _unsigned(on: Subject) -> None:
    _refused(on, Posted(on.notice(new_id()), {}), "unauthenticated")


@check(47, "a notice signed with another key is refused")
async def _wrong_key(on: Subject) -> None:
    _refused(on, on.posted(on.notice(new_id()), secret=OTHER), "unauthenticated")


@check(48, "a notice signed long ago is refused")
async def _old(on: Subject) -> None:
    at = on.clocks.wall() - timedelta(hours=1)
    _refused(on, on.posted(on.notice(new_id()), at=at), "unauthenticated")


@check(49, "while a key rolls both signatures are valid")
async def _rolled(on: Subject) -> None:
    for posted in on.rolled(on.notice(new_id())):
        same(len(_read(on, posted)), 1)


@check(50, "a notice that comes twice is the same notice")
async def _doubled(on: Subject) -> None:
    body = on.notice(new_id())
    first, second = _read(on, on.posted(body)), _read(on, on.posted(body))
    same([one.id for one in first], [one.id for one in second])


@check(51, "notices in the wrong order are all read")
async def _reordered(on: Subject) -> None:
    about = new_id()
    for days in (0, -1):
        body = on.notice(about, at=on.clocks.wall() + timedelta(days=days), id=f"evt_{days}")
        same([one.message_id for one in _read(on, on.posted(body))], [about])


@check(52, "a notice before the answer names its charge")
async def _before_the_answer(on: Subject) -> None:
    charge = on.charge()
    body = on.notice(charge.key)
    same([one.message_id for one in _read(on, on.posted(body))], [charge.key])


@check(53, "a notice of an unknown charge is read, to wait")
async def _unknown(on: Subject) -> None:
    body = on.notice(None)
    same(len(_read(on, on.posted(body))), 1)


@check(54, "a notice of another account or mode is not ours")
async def _others(on: Subject) -> None:
    for more in ({"account": "acct_other"}, {"live": True}):
        body = on.notice(new_id(), **more)
        same([one.mine for one in _read(on, on.posted(body))], [False])


@check(55, "what is not signed is not read")
async def _changed(on: Subject) -> None:
    _refused(on, on.changed(on.posted(on.notice(new_id()))), "unauthenticated")


@check(56, "a batch, or what is no notice, is refused whole")
async def _batch(on: Subject) -> None:
    for posted in on.no_notices():
        _refused(on, posted, "invalid", "malformed", "unauthenticated")


@check(57, "a notice that is too large is refused")
async def _large(on: Subject) -> None:
    _refused(on, on.posted(on.notice(new_id()) + b" " * NOTICE_BYTES_MAX), "too_large")
