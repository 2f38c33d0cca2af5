"""docs/deployment/nginx.conf as it runs on this machine: other names, ports and a certificate of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).parents[1]
SITE = ROOT / "docs" / "deployment" / "nginx.conf"
REQUIRED = "DERM_REQUIRE_NGINX"
MAIN = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def find_nginx() -> str:
    """Its path; the test is skipped without, and fails where it must be there."""
    path = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set and there is no nginx: apt-get install nginx-light")
        pytest.skip("no nginx: apt-get install nginx-light")
    return path


def write_site(folder: Path, *, app_port: int, port: int, plain_port: int) -> Path:
    """The documented site on loopback; path of the main file, for `nginx -c`."""
    text = SITE.read_text("utf-8")
    for written, here in (
        ("dermtree.example.org", "localhost"),
        ("/etc/ssl/dermtree", str(folder)),
        ("127.0.0.1:8501", f"127.0.0.1:{app_port}"),
        ("listen 443 ", f"listen 127.0.0.1:{port} "),
        ("listen 80;", f"listen 127.0.0.1:{plain_port};"),
    ):
        assert written in text, f"{SITE.name} has lost {written!r}"
        text = text.replace(written, here)
    (folder / "site.conf").write_text(text, "utf-8")
    _write_certificate(folder)
    main = folder / "nginx.conf"
    # its workers write uploads into the folder of the test, which is root's where the tests are
    user = "user root;\n" if os.geteuid() == 0 else ""
    main.write_text(user + MAIN.format(folder=folder), "utf-8")
    return main


def _write_certificate(folder: Path) -> None:
    """Sign a certificate for localhost with its own key, for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "privkey.pem").write_bytes(key.private_bytes(*private))


@contextmanager
def running_nginx(folder: Path, *, app_port: int, port: int, plain_port: int) -> Iterator[str]:
    """Its address while the context lasts."""
    main = write_site(folder, app_port=app_port, port=port, plain_port=plain_port)
    process = subprocess.Popen([find_nginx(), "-p", str(folder), "-c", str(main)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not (folder / "nginx.pid").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx did not start:\n{(folder / 'error.log').read_text()}")
            time.sleep(0.05)
        yield f"https://localhost:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)
