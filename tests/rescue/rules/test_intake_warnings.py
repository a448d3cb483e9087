"""What a caller is warned of: the sentence of each code, as it was sent before there were codes."""

from tests.rings import each

from recoup.rescue.rules import intake_warnings
from recoup.rescue.rules.intake_warnings import UNKNOWN_SITE, in_sentences, unknown_campaign

_SENT = {
    "site_by_descriptor": "siteUrl is not known; the site with this descriptor was used.",
    "default_site": "siteUrl is not known; the default site was used.",
    "unknown_campaign:Shop: EU": "campaign is not known; the site Shop: EU itself counts.",
    "short_expiry": "expiryDateUtc is under 14 days ahead; live refuses that for recurring "
    "payments.",
    "held_by_type": "transaction.transactionType says AUTHORIZATION, so the amount is held and "
    "waits for /capture; "
    "to have it taken, send transactionType PURCHASE beside transaction.",
    "no_ip": "customerIp is missing; send the address that your checkout saw with each payment of "
    "a customer.",
    "no_security_code": "The card was tried without its security code: one given to /tokenize "
    "serves one send, within "
    "an hour. Send paymentMethod.verificationValue.",
    "stale_decline": "The decline is older than a day; send declines on the day they happen.",
    "future_decline": "timestampUtc lies in the future; the time of the call counts. Send the time "
    "in UTC.",
    "unread_time": "timestampUtc cannot be read; the time of the call counts. Send it as "
    "2026-03-02T09:14:02Z, or as "
    "Unix time in seconds.",
    "items_other_sum:105.90, not to 45.90 USD": "The orderItems add up to 105.90, not to 45.90 "
    "USD: no refund by items "
    "will be taken. The amount of a line is for all its pieces; with its tax, less its discount, "
    "all lines make the "
    "order's amount.",
    "unknown_code:ZZ9": "The responseCode ZZ9 is on no list of its source; the decline was read by "
    "its text, or as a "
    "soft one.",
}


@each(("code", "sentence"), _SENT.items())
def test_a_code_is_sent_as_its_sentence_and_an_older_sentence_as_it_was_kept(
    code: str, sentence: str
) -> None:
    assert in_sentences([code]) == [sentence]
    assert in_sentences([sentence, code]) == [sentence, sentence]


def test_every_code_is_among_them() -> None:
    codes = {
        value
        for name, value in vars(intake_warnings).items()
        if name.isupper() and isinstance(value, str)
    }
    assert codes == {code.partition(":")[0] for code in _SENT}
    assert codes >= UNKNOWN_SITE
    assert unknown_campaign("Shop: EU") in _SENT
