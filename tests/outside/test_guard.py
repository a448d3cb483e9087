"""Which addresses may be called: the list of tricks, each refused."""

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.outside.web.guard import ParsedUrl, check_url, is_public

INNER = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:53aa:64c::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:7f00:1",
    "4000::1",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
]


@each("text", INNER)
def test_inner_addresses(text: str) -> None:
    assert not is_public(ip_address(text))
    host = f"[{text}]" if ":" in text else text
    for loopback in (True, False):
        assert isinstance(check_url(f"https://{host}/x", loopback=loopback), Problem)


@each("text", PUBLIC)
def test_public_addresses(text: str) -> None:
    assert is_public(ip_address(text))
    host = f"[{text}]" if ":" in text else text
    parsed = check_url(f"https://{host}:8443/x?y=1", loopback=False)
    assert isinstance(parsed, ParsedUrl)
    assert (parsed.address, parsed.port, parsed.target) == (ip_address(text), 8443, "/x?y=1")
    assert parsed.host_header == f"{host}:8443"


@given(st.ip_addresses())
def test_the_standard_library_agrees_that_public_is_global(address: object) -> None:
    if is_public(address):  # type: ignore[arg-type]
        assert address.is_global  # type: ignore[attr-defined]
        assert not address.is_multicast  # type: ignore[attr-defined]


REFUSED = [
    "http://example.com/",
    "ftp://example.com/",
    "https:/example.com",
    "https:///x",
    "https:example.com",
    "//example.com",
    "example.com",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://127.0.0.1./",
    "https://8.8.8.8./",
    "https://08.8.8.8/",
    "https://8.8.8/",
    "https://8.8.8.8.8/",
    "https://256.1.1.1/",
    "https://1.2.3.0x4/",
    "https://example.com./",
    "https://.example.com/",
    "https://example..com/",
    "https://-a.example.com/",
    "https://a-.example.com/",
    "https://localhost/",
    "https://localhost:8400/",
    "https://a.localhost/",
    "https://printer.local/",
    "https://db.internal/",
    "https://intranet/",
    "https://metadata.google.internal/",
    "https://10.in-addr.arpa/",
    "https://x.onion/",
    "https://exa%6dple.com/",
    "https://exämple.com/",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:/",
    "https://example.com:443:1/",
    "https://[::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[8.8.8.8]/",
    "https://[::1/",
    "https://::1/",
    "https://[]/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com/a#b",
    "https://①②⑦.0.0.1/",
    'https://example.com/"x"',
    "https://example.com/é",
    "http://localhost:80/",
    "http://[::1]:80/",
    "http://127.0.0.2:80/",
    "http://127.1:80/",
    "http://2130706433:80/",
    "http://127.0.0.1/",
    "http://127.0.0.1:0/",
    "http://a@127.0.0.1:80/",
    "https://127.0.0.1:8443/",
    "http://0.0.0.0:80/",
    "http://127.0.0.1.:80/",
    "http://10.0.0.1:80/",
    "http://8.8.8.8:80/",
    "http://127.0.0.01:80/",
    "http://0x7f.0.0.1:80/",
    "http://[::ffff:127.0.0.1]:80/",
]


@each(
    "url",
    [
        *REFUSED,
        "",
        "https://exam ple.com/",
        " https://example.com/",
        "https://example.com/\n",
        "https://example.com/\r\nx: y",
        "https://example.com/\x00",
        f"https://example.com/{'x' * 2100}",
        f"https://{'a' * 64}.com/",
        f"https://{'a.' * 130}com/",
    ],
)
@each("loopback", [True, False])
def test_refused(url: str, loopback: bool) -> None:
    problem = check_url(url, loopback=loopback)
    assert isinstance(problem, Problem), problem
    assert (problem.code, problem.field) == ("invalid", "url")
    assert problem.cure


def test_the_sandbox_allows_one_spelling_of_loopback() -> None:
    parsed = check_url("http://127.0.0.1:9000/any/path?x=1", loopback=True)
    assert isinstance(parsed, ParsedUrl)
    assert parsed.host_header == "127.0.0.1:9000"
    assert parsed.text() == "http://127.0.0.1:9000/any/path?x=1"
    assert isinstance(check_url("http://127.0.0.1:9000/", loopback=False), Problem)


@each(
    ("url", "host_header", "target"),
    [
        ("https://Hooks.Example.COM", "hooks.example.com", "/"),
        ("HTTPS://example.com:443/a//b/../c?d=%2F&e[]=1", "example.com", "/a//b/../c?d=%2F&e[]=1"),
        ("https://example.com:8443?x", "example.com:8443", "/?x"),
        ("https://xn--exmple-cua.com/", "xn--exmple-cua.com", "/"),
        ("https://my_hooks.example.com/", "my_hooks.example.com", "/"),
        ("https://example.com/?", "example.com", "/?"),
    ],
)
def test_allowed(url: str, host_header: str, target: str) -> None:
    parsed = check_url(url, loopback=False)
    assert isinstance(parsed, ParsedUrl)
    assert (parsed.host_header, parsed.target, parsed.address) == (host_header, target, None)


@given(st.text(max_size=60))
def test_any_text_gets_an_answer(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}.com/"):
        found = check_url(url, loopback=True)
        if isinstance(found, ParsedUrl):
            assert found.scheme == "https" or found.host == "127.0.0.1"
            assert check_url(found.text(), loopback=True) == found
