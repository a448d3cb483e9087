"""What the four example sites sell, when they bill, and whose response codes they speak."""

from typing import Final, NamedTuple

EXPONENTS: Final = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}


class Item(NamedTuple):
    sku: str
    name: str
    units: int
    quantity: int = 1


class Plan(NamedTuple):
    """`country`: where its customers live, None for anywhere. Amounts in minor units of the
    currency."""

    weight: int
    currency: str
    interval: str
    items: tuple[Item, ...]
    country: str | None = None

    @property
    def units(self) -> int:
        return sum(item.units * item.quantity for item in self.items)

    def text(self, units: int) -> str:
        """Minor units as a plain decimal."""
        scale = EXPONENTS[self.currency]
        return f"{units // 10**scale}.{units % 10**scale:0{scale}d}" if scale else str(units)


class Site(NamedTuple):
    """`hours`: how the day's bills spread over the hours of UTC. `source`, `approval`: the
    gateway's dialect."""

    prefix: str
    url: str
    descriptor: str
    weight: int
    source: str
    approval: str
    transmits_declines: bool
    hours: tuple[int, ...]
    plans: tuple[Plan, ...]


_DAWN: Final = (1, 1, 2, 3, 6, 9, 12, 12, 9, 6, 4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1)
_NIGHT: Final = (4, 6, 12, 14, 12, 8, 5, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3)
_DAY: Final = (2, 2, 2, 2, 2, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6, 5, 5, 5, 5, 4, 4, 3, 3)
_EVENING: Final = (6, 5, 4, 3, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 9, 10, 10, 9, 8, 7)

SITES: Final = (
    Site(
        "COF",
        "https://coffee.demo.example",
        "DEMO*COFFEE",
        27,
        "nmi",
        "100",
        True,
        _DAWN,
        (
            Plan(40, "USD", "monthly", (Item("house-250", "House blend, 250 g", 945, 2),)),
            Plan(
                34,
                "USD",
                "monthly",
                (
                    Item("espresso-500", "Espresso roast, 500 g", 1890),
                    Item("filters", "Paper filters", 390),
                ),
            ),
            Plan(
                14,
                "USD",
                "monthly",
                (Item("decaf-250", "Decaf, 250 g", 1150), Item("oat", "Oat drink, 1 l", 299, 3)),
            ),
            Plan(
                12,
                "USD",
                "monthly",
                (Item("office-2000", "Office box, 2 kg", 5990), Item("descaler", "Descaler", 890)),
            ),
        ),
    ),
    Site(
        "FIT",
        "https://fit.demo.example",
        "DEMO*FITATHOME",
        24,
        "stripe",
        "succeeded",
        True,
        _DAY,
        (
            Plan(
                52,
                "USD",
                "monthly",
                (Item("home", "Home training", 1999), Item("plan", "Meal plan", 500)),
            ),
            Plan(
                16,
                "USD",
                "yearly",
                (
                    Item("home-year", "Home training, one year", 17900),
                    Item("mat", "Training mat", 2450),
                ),
            ),
            Plan(
                20,
                "EUR",
                "monthly",
                (Item("home", "Home training", 1799), Item("plan", "Meal plan", 450)),
                "DE",
            ),
            Plan(
                12,
                "EUR",
                "monthly",
                (Item("yoga", "Yoga at home", 1490), Item("breath", "Breathing course", 310)),
                "FR",
            ),
        ),
    ),
    Site(
        "NEWS",
        "https://news.demo.example",
        "DEMO*DAILYNEWS",
        30,
        "adyen",
        "Authorised",
        True,
        _NIGHT,
        (
            Plan(
                60,
                "USD",
                "monthly",
                (Item("digital", "Digital edition", 999), Item("puzzles", "Puzzles", 300)),
            ),
            Plan(24, "USD", "weekly", (Item("weekend", "Weekend edition", 499),)),
            Plan(
                16,
                "JPY",
                "monthly",
                (Item("digital", "デジタル版", 980), Item("archive", "アーカイブ", 220)),
                "JP",
            ),
        ),
    ),
    Site(
        "GAME",
        "https://games.demo.example",
        "DEMO*GAMEPASS",
        19,
        "nmi",
        "00",
        False,
        _EVENING,
        (
            Plan(
                58,
                "USD",
                "monthly",
                (Item("pass", "Game pass", 1499), Item("cloud", "Cloud saves", 199)),
            ),
            Plan(24, "USD", "monthly", (Item("family", "Family pass, four players", 2299),)),
            Plan(
                10,
                "KWD",
                "monthly",
                (Item("pass", "Game pass", 4250), Item("cloud", "Cloud saves", 650)),
                "KW",
            ),
            Plan(
                8,
                "JPY",
                "monthly",
                (Item("pass", "ゲームパス", 1480), Item("cloud", "クラウドセーブ", 200)),
                "JP",
            ),
        ),
    ),
)
