"""One person's e-mail and phone are one, however they are written."""

from tests.rings import each

from recoup.orders.rules.contact import email_counted, phone_counted


@each(
    ("written", "counted"),
    [
        ("Ana.Roe@Example.test", "ana.roe@example.test"),
        ("  ana.roe+shop2@example.test. ", "ana.roe@example.test"),
        ("A.N.A.roe+1@googlemail.com", "anaroe@gmail.com"),
        ("anaroe@GMAIL.com", "anaroe@gmail.com"),
        ("\uff21na@example.test", "ana@example.test"),
        ("+only@example.test", "+only@example.test"),
        ("stra\u00dfe@example.test", "strasse@example.test"),
        ("", ""),
        ("nobody", ""),
        ("@example.test", ""),
        ("ana@", ""),
    ],
)
def test_an_e_mail_is_one_however_it_is_written(written: str, counted: str) -> None:
    assert email_counted(written) == counted


@each(
    ("written", "counted"),
    [
        ("+1 555 010 2030", "50102030"),
        ("555-0102030", "50102030"),
        ("001 (555) 010.20.30", "50102030"),
        ("\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0660", "12345670"),
        ("", ""),
        ("n/a", ""),
        ("998888", ""),
        ("+99.2001a", ""),
        ("0000000000", ""),
        ("+1 111 111 1111", ""),
        ("0123456789", ""),
        ("12345678", ""),
    ],
)
def test_a_phone_is_one_however_it_is_written_and_a_filler_is_none(
    written: str, counted: str
) -> None:
    assert phone_counted(written) == counted
