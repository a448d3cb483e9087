"""A clean clone is compiled once a run, not once a worker: each worker compiles its share before it
collects."""

import sys
from compileall import compile_file

import pytest
from _pytest.assertion import rewrite
from tests.rings import ROOT


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", {})
    if given.get("workercount", 1) == 1 or sys.dont_write_bytecode:
        return
    modules = [
        path for top in ("packages", "src", "tests") for path in sorted((ROOT / top).rglob("*.py"))
    ]
    for path in modules[int(given["workerid"].removeprefix("gw")) :: given["workercount"]]:
        if not path.name.startswith(("test_", "conftest")):
            compile_file(path, quiet=2)
            continue
        kept = rewrite.get_cache_dir(path) / f"{path.stem}{rewrite.PYC_TAIL}"
        if rewrite._read_pyc(path, kept) is None and rewrite.try_makedirs(kept.parent):
            source_hash, code = rewrite._rewrite_test(path, config)
            rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, source_hash, kept)
