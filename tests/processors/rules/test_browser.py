"""A browser's data goes out whole or not at all, whatever a form says."""

from recoup.processors.rules.browser import Browser, read_browser

HEADERS = {"accept": "text/html", "user-agent": "Mozilla/5.0"}
FORM = {
    "language": "zh-Hans-CN",
    "colorDepth": "24",
    "screenHeight": "900",
    "screenWidth": "1440",
    "timeZoneOffset": "-60",
    "javaEnabled": "false",
}
WRONG = {
    "language": ("", "d" * 9, "<b>", "de\n"),
    "colorDepth": ("", "25", "24.0", "１"),
    "javaEnabled": ("", "yes"),
    "screenHeight": ("0", "-1", "1e3", "9999999"),
    "screenWidth": ("", "NaN"),
    "timeZoneOffset": ("", "841", "-99999"),
}


def test_it_is_whole_or_nothing() -> None:
    whole = read_browser(HEADERS, FORM)
    assert whole == Browser("text/html", "Mozilla/5.0", "zh-Hans-CN", 24, 900, 1440, -60, False)
    assert whole.is_whole
    partly = [(name, value) for name, values in WRONG.items() for value in values]
    assert [one for one in partly if read_browser(HEADERS, FORM | dict([one])).is_whole] == []
    assert not read_browser({}, FORM).is_whole
    assert not read_browser(HEADERS, {}).is_whole
    assert len(read_browser({"accept": "x" * 999, "user-agent": "x" * 999}, FORM).accept) == 400
