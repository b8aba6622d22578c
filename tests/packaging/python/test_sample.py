"""What users of the pytest fixtures write. It runs against the wheel as it is installed."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import jackfield
from jackfield.testing import Options, Server, ServerError


def send(server: Server, method: str, path: str, body: object) -> "tuple[int, str]":
    """A request of an integration, with the token that the fixture gives."""
    request = urllib.request.Request(
        server.external_users_url + path,
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {server.token}"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def associate(server: Server, room: str) -> int:
    profile = "amzn1.alexa.communications.profile.did.1234"
    return send(server, "POST", "", {"externalUserId": room, "amazonId": profile, "amazonIdType": "communication-profile"})[0]


# The same room twice: without the reset between them the second is a conflict.
@pytest.mark.parametrize("again", [False, True])
def test_each_test_begins_with_the_demo_data(jackfield: Server, again: bool) -> None:
    assert associate(jackfield, "7201") == 201
    assert associate(jackfield, "7201") == 409
    status, body = send(jackfield, "POST", "/query", {"filters": {}})
    assert (status, json.loads(body)["paginationContext"]["totalCount"]) == (200, 4)


def test_the_session_has_one_server(jackfield: Server, jackfield_server: Server) -> None:
    assert jackfield is jackfield_server
    assert jackfield.provider_id.startswith("amzn1.comms.csp.id.")
    assert jackfield.client_secret not in jackfield.log
    assert jackfield.new_token() != jackfield.token


def test_operators_can_be_played(jackfield: Server) -> None:
    jackfield.admin("PUT", "/admin/v1/maintenance", {"enabled": True, "retry_after": 7})
    assert associate(jackfield, "7202") == 503
    jackfield.reset()
    assert associate(jackfield, "7202") == 201
    with pytest.raises(ServerError, match="404"):
        jackfield.admin("GET", "/admin/v1/nothing")


def test_a_seed_comes_back(tmp_path: Path) -> None:
    seed = tmp_path / "seed.toml"
    seed.write_text('[[organization]]\nname = "Harbour Hotels"\ncountry = "US"\nvertical = "hospitality"\nwebrtc = true\n')
    with Server(Options(seed=seed)) as server:
        names = [organization["name"] for organization in server.admin("GET", "/admin/v1/organizations")["items"]]
        assert "Harbour Hotels" in names


def test_a_failure_says_why() -> None:
    with pytest.raises(ServerError, match="--no-such-flag"):
        Server(Options(flags=["--no-such-flag"]))
    assert jackfield.find_binary().endswith("/jackfield")
