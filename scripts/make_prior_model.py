"""Make `src/recoup/flows/insight/learn/prior_model.json` again: `.venv/bin/python scripts/make_prior_model.py`.

The same source makes the same file, but for last digits of another machine; see `recoup_lab/shop/prior.py`.
"""

from pathlib import Path

from recoup.flows.insight.learn import prior
from recoup_lab.shop.prior import trained

if __name__ == "__main__":
    model = trained()
    path = Path(prior.__file__).with_name(prior.FILE)
    path.write_bytes(model.to_json() + b"\n")
    print(f"{path.name}: {model.name}, {model.learned.attempts:,} attempts of {model.learned.payers:,} customers")
