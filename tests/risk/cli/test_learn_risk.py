"""`recoup learn risk` as a person types it."""

import json
from pathlib import Path

from tests.engine.test_cli import typing
from tests.insight.flows.test_learn_risk import past
from tests.risk_history import judge

from recoup.db.server import ServerAddress


def test_weights_are_learned_listed_and_an_older_version_used_again(
    server: ServerAddress, tmp_path: Path
) -> None:
    with typing(server, tmp_path) as (shop, run, wait):
        assert run("risk", "list").output.startswith("Nothing was learned yet")
        assert "result      not enough data; nothing was changed." in run("risk").output
        wait(judge(shop, past()))
        assert (
            "result      no worse; this was a dry run, nothing was changed."
            in run("risk", "--dry-run").output
        )
        assert json.loads(run("risk", "list", "--json").output) == {"versions": []}
        assert (
            "result      no worse; stored as version 1, not in use."
            in run("risk", "--candidate").output
        )
        assert run("risk", "use", "1").output.endswith("is now in use, as version 2.\n")
        listed = run("risk", "list").output.splitlines()
        assert [line.split()[:3:2] for line in listed[1:]] == [["2", "in"], ["1", "unused"]]
        assert run("risk", "use", "0").output == "risk-prior-2 is now in use, as version 3.\n"
        found = json.loads(run("risk", "--json").output)
        assert (found["used"], found["version"]) == (True, 4)
        assert found["score"] <= found["compared_score"]
        rows = json.loads(run("risk", "list", "--json").output)["versions"]
        assert [row["used"] for row in rows] == [True, True, True, False]
