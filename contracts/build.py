"""Build the deposit contract for both kinds of machine, and write the artifacts that are committed.

    python3 contracts/build.py           writes them
    python3 contracts/build.py check     compares them to the byte
    python3 contracts/build.py prove [RUNS]     fuzzes, 100,000 sequences by default

Needs node and npm, which install forge and solc from the lock.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SHIPPED = ROOT / "src/recoup/chains/artifacts"
TOKEN = SHIPPED / "token.json"  # of play money: tests and `recoup up --chain` deploy it
SOURCES = ("src/Deposits.sol", "foundry.toml", "package-lock.json")
KINDS = {"evm": "default", "tron": "tron"}  # kind of machine -> forge's profile
RUNS = "100000"


def main(arguments: list[str]) -> None:
    install()
    if arguments[:1] == ["prove"]:
        return forge("default", "test", "--fuzz-runs", (arguments[1:] or [RUNS])[0])
    files = built()
    if arguments == ["check"]:
        wrong = [
            file for file, text in files.items() if not file.exists() or file.read_text() != text
        ]
        if wrong:
            sys.exit(
                "not what the source gives: "
                f"{', '.join(str(file.relative_to(ROOT)) for file in wrong)}"
            )
        return None
    for file, text in files.items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return None


def install() -> None:
    """The tools of the lock, unless they are there."""
    stamp, lock = HERE / "node_modules/.lock", (HERE / "package-lock.json").read_text()
    if not stamp.exists() or stamp.read_text() != lock:
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=HERE,
            check=True,
        )
        stamp.write_text(lock)


def forge(profile: str, *arguments: str) -> None:
    machine = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}.get(
        platform.machine(), platform.machine()
    )
    program = (
        HERE / f"node_modules/@foundry-rs/forge-{platform.system().lower()}-{machine}/bin/forge"
    )
    environment = {**os.environ, "FOUNDRY_PROFILE": profile}
    done = subprocess.run([str(program), *arguments], cwd=HERE, env=environment, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def built() -> dict[Path, str]:
    """Each artifact's file and text."""
    for profile in KINDS.values():
        forge(profile, "build", "--force", "--quiet")
    files = {SHIPPED / f"{kind}.json": written(shipped(kind)) for kind in KINDS}
    token = output("evm", "Tokens", "Token")
    return {**files, TOKEN: written({"init": token["bytecode"]["object"]})}


def shipped(kind: str) -> dict[str, Any]:
    sources = {name: hashlib.sha256((HERE / name).read_bytes()).hexdigest() for name in SOURCES}
    return {
        "kind": kind,
        "sources": sources,
        "factory": code(output(kind, "Deposits", "Deposits")),
        "implementation": code(output(kind, "Deposits", "DepositAddress")),
    }


def code(compiled: dict[str, Any]) -> dict[str, Any]:
    """`immutables`: where in the runtime code the contract's only immutable stands,
    an address in 32 bytes."""
    runtime = compiled["deployedBytecode"]
    (places,) = runtime["immutableReferences"].values()
    if any(place["length"] != 32 for place in places):  # noqa: PLR2004
        sys.exit("an immutable of another size")
    immutables = [place["start"] for place in places]
    return {
        "init": compiled["bytecode"]["object"],
        "runtime": runtime["object"],
        "immutables": immutables,
    }


def output(kind: str, file: str, name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((HERE / f"out/{kind}/{file}.sol/{name}.json").read_text())
    return read


def written(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
