"""The app as docs/deployment.md has it: behind nginx with TLS and the documented headers, with sign-in."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from scripts.running_app import free_port, running_app
from tests.nginx import find_nginx, running_nginx
from tests.openid.running import running_provider, write_roles, write_secrets

EXAMPLE = Path(__file__).parents[2] / "assets" / "examples" / "drawing-2.jpg"


def status(url: str) -> int:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=10, context=trusting) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_sign_in_upload_and_answer_go_through_tls_with_nothing_from_elsewhere(
    browser: Browser, tiny_bundle: Path, tmp_path: Path
) -> None:
    find_nginx()
    app_port, port, plain_port = free_port(), free_port(), free_port()
    origin = f"https://localhost:{port}"
    with running_provider(tmp_path / "provider.txt") as provider:
        write_secrets(tmp_path / "secrets.toml", provider, origin)
        write_roles(tmp_path / "roles.toml", provider)
        arguments = ["--secrets.files", str(tmp_path / "secrets.toml")]
        with (
            running_app(
                tmp_path / "log.txt",
                tiny_bundle.parent,
                {"DERM_HOME": str(tmp_path)},
                port=app_port,
                arguments=arguments,
            ),
            running_nginx(tmp_path, app_port=app_port, port=port, plain_port=plain_port) as url,
        ):
            context = browser.new_context(ignore_https_errors=True)
            page = context.new_page()
            violations: list[str] = []
            page.on("console", lambda m: violations.append(m.text) if "Content Security" in m.text else None)
            sockets: list[str] = []
            page.on("websocket", lambda socket: sockets.append(socket.url))
            answer = page.goto(url)
            assert answer is not None
            headers = answer.all_headers()
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name="s-anna").click()
            expect(page.get_by_text("Signed in as").first).to_contain_text("anna@clinic.example")
            page.get_by_test_id("stFileUploader").locator("input").set_input_files(EXAMPLE)
            expect(page.get_by_role("heading", name="Probabilities")).to_be_visible()
            assert violations == []
            assert sockets and all(address.startswith(f"wss://localhost:{port}/") for address in sockets)
            assert all(cookie["secure"] for cookie in context.cookies(origin))
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["strict-transport-security"].startswith("max-age=")
            context.close()
            assert status(f"{url}/_stcore/metrics") == status(f"{url}/_stcore/agent/openapi.json") == 404
            assert status(f"{url}/_stcore/health") == 200


def test_the_plain_address_only_points_to_the_other(tmp_path: Path) -> None:
    find_nginx()
    ports = {"app_port": free_port(), "port": free_port(), "plain_port": free_port()}

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    with running_nginx(tmp_path, **ports):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.build_opener(Stay).open(f"http://127.0.0.1:{ports['plain_port']}/train", timeout=10)
        assert caught.value.code == 301
        assert caught.value.headers["Location"] == "https://127.0.0.1/train"
        caught.value.close()
