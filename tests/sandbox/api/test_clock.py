"""A sandbox merchant's clock by the API."""

from datetime import datetime, timedelta

from tests.door import Caller
from tests.rings import each


def test_it_is_read_and_moved_and_what_falls_due_is_run(shop: Caller) -> None:
    before = datetime.fromisoformat(shop.get("/clock").json()["now"])
    order_id = shop.admit()
    moved = shop.post("/clock/advance", {"advance": "21d23h60m"})
    assert moved.status_code == 200
    after = datetime.fromisoformat(moved.json()["now"])
    assert timedelta(days=22) <= after - before < timedelta(days=22, minutes=5)
    assert before + timedelta(days=22) <= datetime.fromisoformat(moved.json()["target"]) <= after
    assert shop.get(f"/orders/{order_id}").json()["status"] != "Processing"


@each("step", ["", "x", "-1d", "1", "22 d", "367d", "999999999d", "d", "1d" * 40, "٢d"])
def test_what_is_no_step_is_refused_with_its_field(shop: Caller, step: str) -> None:
    refused = shop.post("/clock/advance", {"advance": step})
    assert refused.status_code == 400
    assert "dvance" in refused.text
