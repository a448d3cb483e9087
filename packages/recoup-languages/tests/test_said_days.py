"""Days in the order of the language, and codes by our word for their reason, from the real
catalogues."""

from tests.rings import each

from recoup.kit.languages.said import said


@each(
    ("text", "german"),
    [
        ("21 Nov 23:24", "21. Nov. 23:24"),
        ("5 Nov 2026", "5. Nov. 2026"),
        ("30 Nov 05:24 GMT", "30. Nov. 05:24 GMT"),
        ("5 Nov 2026 – 6 Dec 2026, Europe/Berlin", "5. Nov. 2026 – 6. Dez. 2026, Europe/Berlin"),
        (
            "Fri 06 Nov 2026 09:30 (cardholder’s local time)",
            "Fr 6. Nov. 2026 09:30 am Ort des Karteninhabers",
        ),
        ("from 5 Nov 2026", "ab 5. Nov. 2026"),
        ("not sufficient funds", "nicht genug Geld auf der Karte"),
        (
            "expired card or expiry missing",
            "die Karte ist abgelaufen, oder ihr Ablaufdatum ist falsch",
        ),
        ("12.99 USD sent back to the customer", "12,99 USD an den Kunden zurückgesendet"),
        ("The risk of fraud is estimated at 0.8 %.", "Das Betrugsrisiko wird auf 0,8 % geschätzt."),
        (
            "In these chances, a regression on 12,570 past attempts has a weight of 50%.",
            "In diesen Chancen hat eine Regression über 12.570 frühere Versuche ein Gewicht von "
            "50%.",
        ),
        ("Refund 1 of 12.99 USD", "Erstattung 1 über 12,99 USD"),
        ("Dispute 1 of 12.99 USD", "Streitfall 1 über 12,99 USD"),
        ("12 Mai", "12 Mai"),
        ("5 Nov of my own", "5 Nov of my own"),
    ],
)
def test_days_and_what_networks_mean_are_said_in_the_language(text: str, german: str) -> None:
    assert said("de", text) == german
