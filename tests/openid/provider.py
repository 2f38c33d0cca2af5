"""The provider itself: `python provider.py`, a process of its own on a free port of 127.0.0.1, which it prints.

It is oidc-provider-mock, which speaks the real protocol (Authlib's server side: discovery, codes, keys, end of
session); anybody in `USERS` may be chosen. `PUT /cheat` with a word of `CHEATS` has it forge the next ID tokens.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # http on loopback
sys.path.insert(0, str(Path(__file__).parents[2]))

import flask
import oidc_provider_mock
import werkzeug.serving
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.openid.cheats import CHEATS, USERS, Claims


def main() -> None:
    """Serve until killed."""
    users = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in USERS.items()]
    app = oidc_provider_mock.app(require_client_registration=True, require_nonce=True, user_claims=users)
    cheat = {"how": ""}

    @app.put("/cheat")
    def set_cheat() -> tuple[str, int]:
        cheat["how"] = flask.request.get_data(as_text=True)
        return "", 204

    @app.after_request
    def forge(response: flask.Response) -> flask.Response:
        if flask.request.path == "/oauth2/token" and response.status_code == 200 and cheat["how"]:
            content = json.loads(response.get_data())
            key = flask.g.oidc_provider_mock_storage.jwk.as_dict(is_private=True)
            content["id_token"] = forged(content["id_token"], key, cheat["how"])
            response.set_data(json.dumps(content))
        return response

    server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


def forged(token: str, key: dict[str, Any], how: str) -> str:
    """The token as somebody would send it who is not the provider, or a provider that is wrong."""
    header, claims = (_decoded(part) for part in token.split(".")[:2])
    own = RSAKey.import_key(key)
    if how == "no signature":
        return f"{_encoded({**header, 'alg': 'none'})}.{_encoded(claims)}."
    if how == "another key":
        return jwt.encode(header, claims, RSAKey.generate_key(2048))
    if how == "the public key as a secret":
        secret = OctKey.import_key(own.as_pem(private=False))
        return jwt.encode({**header, "alg": "HS256"}, claims, secret)
    return jwt.encode(header, CHEATS[how](claims), own)


def _decoded(part: str) -> Claims:
    found: Claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def _encoded(content: Claims) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


if __name__ == "__main__":
    main()
