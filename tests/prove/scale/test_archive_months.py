"""Three years of months: thirteen leave, each file is proved, what stays agrees with itself, and
the newest comes back alone.

`PROVE_ARCHIVED`: how many orders a month.
"""

import asyncio
import gzip
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.worlds import make_shop, sandbox_world

from recoup.archive.flows import (
    archives_of,
    months_to_leave,
    put_archive_back,
    take_archive_out,
    write_archive,
)
from recoup.archive.rules import KEPT_MONTHS, prove
from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel import ids
from recoup.kit.proved_file import Wrong

ORDERS = int(os.environ.get("PROVE_ARCHIVED", "200"))
MONTHS = 13
pytestmark = pytest.mark.prove("scale")


def test_thirteen_months_leave(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            world, now = shop.world, datetime.now(UTC)
            with monkeypatch.context() as past:
                for month in range(MONTHS + 2):
                    at = (now - timedelta(days=1200)).replace(day=2) + timedelta(days=31 * month)
                    past.setattr(ids, "wall_ms", lambda at=at: int(at.timestamp() * 1000))
                    past.setattr(ids, "_last_ms", 0)
                    await shop.admit_many(ORDERS)
            await shop.advance(timedelta(days=23))
            await shop.settle()
            while await shop.publish() or await shop.close_pages():
                pass
            assert not (await verify(world)).differences
            months = (await months_to_leave(world, shop.merchant_id))[:MONTHS]
            assert len(months) == MONTHS
            files = list[Path]()
            took = time.monotonic()
            for month in months:
                archive = await write_archive(world, shop.merchant_id, month, tmp_path)
                assert archive is not None
                files.append(tmp_path / archive.file)
                with gzip.open(files[-1]) as file:
                    proved = prove(iter(file.readline, b""), archive.root.hex())
                assert not isinstance(proved, Wrong), proved
            written = time.monotonic()
            for path in files:
                await take_archive_out(world, path)
            gone = time.monotonic()
            left = await archives_of(world, shop.merchant_id)
            assert sum(archive.gone for archive in left) == MONTHS * ORDERS
            assert not (await verify(world)).differences
            back = await put_archive_back(world, files[-1])
            assert (back.month, back.gone) == (months[-1], 0)
            assert await months_to_leave(world, shop.merchant_id) != []
            assert not (await verify(world)).differences
            size = sum(path.stat().st_size for path in files)
            print(
                f"{MONTHS * ORDERS} orders: {MONTHS * ORDERS / (written - took):,.0f}/s written, "
                f"{MONTHS * ORDERS / (gone - written):,.0f}/s taken out, "
                f"{size / MONTHS / ORDERS:,.0f} bytes an order"
            )

    assert KEPT_MONTHS < 36
    asyncio.run(story())
