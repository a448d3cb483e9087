"""Make `src/recoup/lab/shop/default_model.json` again: `.venv/bin/python scripts/make_default_model.py`.

The same source makes the same file. It is the sandbox's default model; see `recoup/lab/shop/default_model.py`.
"""

from pathlib import Path

from recoup.lab.shop import default_model

if __name__ == "__main__":
    model = default_model.trained()
    path = Path(default_model.__file__).with_name(default_model.FILE)
    path.write_bytes(model.to_json() + b"\n")
    print(f"{path.name}: {model.name}, {model.learned.attempts:,} attempts of {model.learned.payers:,} customers")
