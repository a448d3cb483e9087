"""Writes the generated halves of `clients/python` and `clients/typescript`.

make client
"""

import os
from pathlib import Path
from typing import Final

import client_python
import client_typescript
from client_api import read_api
from recoup.kit.edge.openapi import document
from recoup.main.docs import dialects

CLIENTS: Final = Path(__file__).resolve().parent.parent / "clients"
HOMES: Final = {
    CLIENTS / "python/src/recoup_client": client_python.files,
    CLIENTS / "typescript/src": client_typescript.files,
}


def main() -> None:
    """Writes what differs, each file at once: several processes may do so side by side."""
    apis = [read_api(dialect.name, document(dialect, "0")) for dialect in dialects()]
    for home, write in HOMES.items():
        for name, text in write(apis).items():
            path = home / name
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                part = path.with_suffix(f".{os.getpid()}")
                part.write_text(text, encoding="utf-8")
                part.replace(path)


if __name__ == "__main__":
    main()
