"""The card world as one table: 94 answers of three networks, each with and without its customer
under two regions, and what each forbids one merchant and another. The whole table is of the family
`simulate`."""

import csv
from pathlib import Path

from tests.door import opened_door
from tests.rescue.api.card_scenarios import After, Came, Said, play
from tests.rings import deep, draw

from recoup.db.server import ServerAddress

with Path(__file__).with_name("card_scenarios.csv").open(newline="") as text:
    ROWS = {Said(row["network"], row["code"], row["advice"]): row for row in csv.DictReader(text)}
AFTER = After._fields


@deep("simulate")
def test_each_answer_has_what_its_source_says(server: ServerAddress) -> None:
    rows = draw("simulate", ROWS, 4, label="card scenarios")
    with opened_door(server) as door:
        played = play(door, rows)
    wrong = []
    for said in rows:
        row = ROWS[said]
        for region, short in (("us", "us"), ("eea_uk", "eea")):
            expected = Came(row[f"{short}_mit"] == "sent", row[f"{short}_cit"].upper())
            if played.came[said, region] != expected:
                wrong.append((*said, region, played.came[said, region], expected, row["why"]))
        expected_after = After(*(row[name] == "1" for name in AFTER))
        if played.after[said] != expected_after:
            wrong.append((*said, "then", played.after[said], expected_after, row["why"]))
    assert not wrong, "\n".join(map(str, wrong))


def test_the_table_has_every_kind() -> None:
    assert len(ROWS) * 4 > 130
    assert {said.network for said in ROWS} == {"visa", "mastercard", "amex"}
    for name in AFTER[:2]:
        assert {row[name] for row in ROWS.values()} == {"0", "1"}
