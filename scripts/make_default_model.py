"""Make `src/recoup/main/demo/default_model.json` again: `.venv/bin/python scripts/make_default_model.py`.

The same source makes the same file. It is the sandbox's default model; see `recoup_lab/shop/training.py`.
"""

from pathlib import Path

from recoup.main.demo import business
from recoup_lab.shop.training import trained

if __name__ == "__main__":
    model = trained()
    path = Path(business.__file__).with_name(business.FILE)
    path.write_bytes(model.to_json() + b"\n")
    print(f"{path.name}: {model.name}, {model.learned.attempts:,} attempts of {model.learned.payers:,} customers")
