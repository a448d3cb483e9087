"""The largest amount of one payment, by what its currency is worth: coarse, for bounds alone, never for money.

Source: reference rates of the European Central Bank and of the central banks named by these currencies, mid 2025,
rounded to one or two digits; the rial and the pound of Lebanon at their markets' rates. A rate that is off by three
moves a bound by three, and the bound is generous.
"""

from typing import Final

from recoup.kernel.cached import cached
from recoup.kernel.money import EXPONENTS

DOLLARS_MAX: Final = 1_000_000  # of one payment
UNITS_LEAST: Final = 100_000_000  # a bound is never lower
# Units of a currency for a dollar, of those that are worth far less than one; of others the lowest bound is enough.
PER_DOLLAR: Final[dict[str, int]] = {
    "ALL": 84, "AMD": 385, "AOA": 915, "ARS": 1_200, "BDT": 122, "BIF": 2_980, "BTN": 86, "CDF": 2_900, "CLP": 950,
    "COP": 4_100, "CRC": 505, "CVE": 95, "DJF": 178, "DZD": 130, "ETB": 137, "GNF": 8_700, "GYD": 209, "HTG": 131,
    "HUF": 345, "IDR": 16_300, "INR": 86, "IQD": 1_310, "IRR": 1_000_000, "ISK": 122, "JMD": 160, "JPY": 147,
    "KES": 129, "KHR": 4_000, "KMF": 424, "KRW": 1_380, "KZT": 520, "LAK": 21_600, "LBP": 90_000, "LKR": 300,
    "LRD": 200, "MGA": 4_450, "MKD": 53, "MMK": 2_100, "MNT": 3_580, "MWK": 1_735, "MZN": 64, "NGN": 1_540, "NPR": 137,
    "PHP": 57, "PKR": 284, "PYG": 7_900, "RSD": 101, "RUB": 80, "RWF": 1_440, "SDG": 600, "SOS": 571, "SSP": 4_600,
    "SYP": 11_000, "TZS": 2_600, "UGX": 3_600, "UYU": 40, "UZS": 12_700, "VED": 110, "VES": 110, "VND": 26_000,
    "VUV": 119, "XAF": 565, "XOF": 565, "XPF": 103, "YER": 530, "ZMW": 24,
}  # fmt: skip


@cached(1_024)
def amount_max(asset: str) -> int:
    """The most of one payment, in the smallest unit: a million dollars' worth, and never less than `UNITS_LEAST`."""
    return max(UNITS_LEAST, DOLLARS_MAX * PER_DOLLAR.get(asset, 1) * int(10 ** EXPONENTS.get(asset, 2)))


AMOUNT_MAX: Final = max(map(amount_max, EXPONENTS))  # of any currency
