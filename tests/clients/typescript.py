"""The TypeScript client, compiled as a user gets it, and programs that use it: tests', guides' and
README's."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
CLIENT: Final = ROOT / "clients/typescript"
PROGRAMS: Final = Path(__file__).parent / "programs"
GUIDES: Final = ("connect", "first-payment", "stablecoins", "webhooks")
PAGES: Final = [*(f"docs/{name}.md" for name in GUIDES), "clients/typescript/README.md"]
# As strict as can be, and without a browser's types.
STRICT: Final = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "exactOptionalPropertyTypes": True,
    "verbatimModuleSyntax": True,
    "target": "ES2022",
    "module": "nodenext",
    "lib": ["ES2022"],
    "types": ["node"],
    "typeRoots": [str(CLIENT / "node_modules/@types")],
    "rootDir": ".",
    "outDir": "run",
}


def sample(page: str) -> str:
    """The one TypeScript block of a page that has one, in the order of the page where it has
    several."""
    return "\n".join(
        re.findall("```typescript\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    )


@dataclass(frozen=True)
class TypeScript:
    """`folder`: a project that has the client installed, with all programs compiled in `run`."""

    folder: Path

    def command(self, program: str) -> list[str]:
        node = shutil.which("node")
        assert node, "npm brought no node"
        return [node, str(self.folder / f"run/{program}.js")]

    def run(self, program: str, **variables: str) -> str:
        ran = subprocess.run(
            self.command(program),
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@pytest.fixture(scope="session")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> TypeScript:
    folder = tmp_path_factory.mktemp("typescript")
    installed = folder / "node_modules/recoup-client"
    tsc("-p", str(CLIENT), "--outDir", str(installed / "dist"))
    shutil.copy(CLIENT / "package.json", installed)
    for program in PROGRAMS.glob("*.ts"):
        shutil.copy(program, folder)
    for page in PAGES:
        (folder / f"{Path(page).stem}.ts").write_text(sample(page), "utf-8")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": STRICT, "include": ["*.ts"]})
    )
    tsc("-p", str(folder))
    return TypeScript(folder)


def tsc(*arguments: Any) -> None:
    compiler = CLIENT / "node_modules/.bin/tsc"
    assert compiler.exists(), "the compiler is missing: make test installs it"
    ran = subprocess.run(
        [compiler, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stdout
