"""Room for files is taken before their first byte, and given back when they are gone."""

import asyncio
from contextlib import ExitStack

import pytest

from recoup.kernel.problem import Problem
from recoup.kit.edge import spool
from recoup.kit.edge.asgi import Message
from recoup.kit.edge.spool import (
    BYTES_EACH,
    BYTES_MAX,
    FILES_EACH,
    FILES_MAX,
    FREE_MIN,
    STEP,
    Room,
    Rooms,
    _Held,
)

MB = 1 << 20
HUGE = 100 << 30


def code_of(
    room: Room, whose: str = "a", declared: int | None = MB, writes: int = 0
) -> tuple[str, bool]:
    """What a file hears, and whether it is told when to come again."""
    try:
        with room.place(whose, declared, 500 * MB) as place:
            for _ in range(writes):
                place.write(MB)
    except Problem as problem:
        return problem.code, bool(problem.retry_after_seconds and problem.cure)
    return "", False


def test_nobodys_files_take_the_room_of_others_or_the_last_of_the_disk() -> None:
    wrong = []
    cases = (
        ("room for all", [], {}, ("", False)),
        ("so many files each", [("a", 1)] * FILES_EACH, {}, ("too_many_requests", True)),
        ("another merchant's are no matter", [("b", 1)] * FILES_EACH, {}, ("", False)),
        (
            "so many bytes each",
            [("a", BYTES_EACH - MB)],
            {"declared": 2 * MB},
            ("too_many_requests", True),
        ),
        (
            "so many files in all",
            [(str(n), 1) for n in range(FILES_MAX)],
            {},
            ("unavailable", True),
        ),
        (
            "who says much takes nobody's room",
            [(str(n), 500 * MB) for n in range(20)],
            {},
            ("", False),
        ),
        ("a full disk", [], {"free": FREE_MIN}, ("no_space", True)),
        (
            "what others will write counts",
            [("b", MB)],
            {"free": FREE_MIN + 2 * STEP - 1},
            ("no_space", True),
        ),
        (
            "its own length counts",
            [],
            {"free": FREE_MIN + MB, "declared": 500 * MB},
            ("no_space", True),
        ),
        ("a small disk that is empty", [], {"free": 400 * MB, "total": 500 * MB}, ("", False)),
        ("no length, and no end", [], {"declared": None, "writes": 501}, ("too_large", False)),
        (
            "no length, on a full disk",
            [],
            {"declared": None, "free": FREE_MIN + STEP - 1},
            ("no_space", True),
        ),
        ("longer than it may be", [], {"writes": 501}, ("too_large", False)),
    )
    for name, before, given, expected in cases:
        asked = dict[str, int](free=HUGE, total=HUGE) | {
            k: v for k, v in given.items() if k in ("free", "total")
        }
        room = Room(lambda asked=asked: (asked["free"], asked["total"]))  # type: ignore[misc]
        with ExitStack() as held:
            free, asked["free"] = asked["free"], HUGE
            for whose, size in before:
                held.enter_context(room.place(whose, size, 600 * MB))
            asked["free"] = free
            said = code_of(room, **{k: v for k, v in given.items() if k not in ("free", "total")})
        if said != expected:
            wrong.append((name, said))
        if (room._all, room._disk, room._by) != (_Held(), _Held(), {}):
            wrong.append((name, ("not given back", True)))
    assert not wrong


def test_of_a_file_without_room_no_byte_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """One key, 24 bodies, 3.2 GB in a minute: all were written down, then 23 heard that one is
    being read."""
    monkeypatch.setattr(spool, "ROOMS", Rooms(lambda: (HUGE, HUGE)))
    read = [0]

    async def receive() -> Message:
        read[0] += 1
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": read[0] < 20}

    async def send(form: bool) -> str:
        headers = [(b"content-length", b"20")]
        if form:
            headers.append((b"content-type", b"multipart/form-data; boundary=x"))
        try:
            async with spool.spooled(headers, receive, MB, "sandbox", "a"):
                return "taken"
        except Problem as problem:
            return problem.code

    async def story() -> None:
        first = [asyncio.create_task(send(False)) for _ in range(FILES_EACH)]
        await asyncio.sleep(0.01)
        so_far = read[0]
        assert [await send(form) for form in (True, False)] == ["too_many_requests"] * 2
        assert read[0] == so_far == FILES_EACH
        assert await asyncio.gather(*first) == ["taken"] * FILES_EACH

    asyncio.run(story())


def test_files_in_the_sandbox_take_no_room_of_live_and_all_the_room_is_bounded() -> None:
    rooms, heard = Rooms(lambda: (HUGE, HUGE)), []
    with ExitStack() as held:
        for n in range(BYTES_MAX // (500 * MB) + 1):
            place = held.enter_context(rooms.of("sandbox").place(str(n), None, 500 * MB))
            try:
                for _ in range(500):
                    place.write(MB)
            except Problem as problem:
                heard.append(problem.code)
        assert heard == ["unavailable"]
        assert code_of(rooms.of("sandbox")) == ("unavailable", True)
        assert code_of(rooms.of("live")) == ("", False)
    assert code_of(rooms.of("sandbox")) == ("", False)
