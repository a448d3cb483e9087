"""The doors' certificate: refused when callers would refuse it, and read again when its files
change."""

import socket
import ssl
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.kit.edge.raw_server import serving

from recoup.kernel.problem import Problem
from recoup.kit.edge.connections import Limits
from recoup.main import doctor_verb, door_server
from recoup.main.certificate import Certificate, certificate_of
from recoup.main.doctor_verb import Line
from recoup.main.settings import Settings, load_settings
from recoup.main.up import doors

DAY = timedelta(days=1)


def make(
    folder: Path,
    *,
    begins: timedelta = -DAY,
    ends: timedelta = 90 * DAY,
    password: bytes = b"",
    name_of: str = "localhost",
) -> int:
    """Writes chain.pem and key.pem; answers the serial number."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now + begins, now + ends
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name_of)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, sealed = (
        serialization.Encoding.PEM,
        serialization.BestAvailableEncryption(password) if password else None,
    )
    form = serialization.PrivateFormat.PKCS8
    (folder / "chain.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, form, sealed or serialization.NoEncryption())
    )
    return made.serial_number


def settings(folder: Path) -> Settings:
    given = load_settings(data_dir=folder)
    return replace(given, tls_cert=str(folder / "chain.pem"), tls_key=str(folder / "key.pem"))


@pytest.mark.parametrize(
    ("begins", "ends", "says"),
    [(-9 * DAY, -DAY, "expired on"), (DAY, 9 * DAY, "is not valid before")],
)
def test_one_that_is_not_valid_now_is_refused(
    tmp_path: Path, begins: timedelta, ends: timedelta, says: str
) -> None:
    make(tmp_path, begins=begins, ends=ends)
    with pytest.raises(Problem, match=says):
        certificate_of(settings(tmp_path))
    with (
        socket.socket() as sock,
        pytest.raises(Problem, match=says),
        doors(settings(tmp_path), sock, 2),
    ):
        raise AssertionError("the parent says so once, before any door begins")
    [line] = doctor_verb._certificate(settings(tmp_path))
    assert not line.ok
    assert says in line.finding


def test_files_that_do_not_fit_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    make(tmp_path / "other")
    make(tmp_path)
    (tmp_path / "other/key.pem").rename(tmp_path / "key.pem")
    with pytest.raises(Problem, match="cannot be used: KEY_VALUES_MISMATCH"):
        certificate_of(settings(tmp_path))
    make(tmp_path, password=b"secret")
    with pytest.raises(Problem, match="cannot be used"):
        certificate_of(settings(tmp_path))
    (tmp_path / "chain.pem").write_text("nothing")
    with pytest.raises(Problem, match="cannot be used"):
        certificate_of(settings(tmp_path))
    (tmp_path / "chain.pem").unlink()
    with pytest.raises(Problem, match="No such file"):
        certificate_of(settings(tmp_path))


def test_doctor_says_when_it_ends_soon(tmp_path: Path) -> None:
    assert doctor_verb._certificate(load_settings(data_dir=tmp_path)) == [], "without TLS"
    make(tmp_path)
    assert [one.ok for one in doctor_verb._certificate(settings(tmp_path))] == [True]
    make(tmp_path, ends=5 * DAY)
    [line] = doctor_verb._certificate(settings(tmp_path))
    ends = (datetime.now(UTC) + 5 * DAY).date()
    assert line == Line("doors", "certificate", False, f"ends on {ends}", line.cure)


def test_changed_files_are_taken_and_wrong_ones_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_server, "RENEW_TICKS", 1)
    first = make(tmp_path)
    chain, key = str(tmp_path / "chain.pem"), str(tmp_path / "key.pem")
    certificate = Certificate(chain, key)
    with serving(Limits(), certificate=certificate, ssl_certfile=chain, ssl_keyfile=key) as raw:

        def serial() -> int:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection(("127.0.0.1", raw.port), timeout=10) as made:
                with context.wrap_socket(made) as wrapped:
                    found = wrapped.getpeercert(binary_form=True)
            assert found is not None
            return x509.load_der_x509_certificate(found).serial_number

        def soon(wanted: int) -> bool:
            give_up = time.monotonic() + 20
            while (found := serial()) != wanted and time.monotonic() < give_up:
                time.sleep(0.02)
            return found == wanted

        assert serial() == first
        (tmp_path / "chain.pem").write_text("half")
        assert all(serial() == first for _ in range(5))
        assert soon(make(tmp_path, ends=60 * DAY))
        assert certificate.ends.date() == (datetime.now(UTC) + 60 * DAY).date()
