"""Make the models that come with Recoup again: `.venv/bin/python scripts/make_models.py`.

The same source makes the same files, but for last digits of another machine; see
`recoup_lab/shop/prior.py`.
"""

from pathlib import Path

from recoup.engine.learn import prior
from recoup.main.demo import demo
from recoup_lab.shop.prior import of_the_shop, trained

if __name__ == "__main__":
    for module, make in ((prior, trained), (demo, of_the_shop)):
        model = make()
        path = Path(str(module.__file__)).with_name(module.FILE)
        path.write_bytes(model.to_json() + b"\n")
        print(
            f"{path.name}: {model.name}, {model.learned.attempts:,} attempts of "
            f"{model.learned.payers:,} customers"
        )
