"""A first session with an installed program: `session.py NAME DIRECTORY -- COMMAND…`.

Serves a store in a directory, associates, stops, finds the association after a restart, stops. Then prints how long it
takes from the start of `dev --ephemeral` to the answer to the first request, five times. Any surprise ends it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request

PROVIDER = "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10"
CLIENT = "amzn1.application-oa2-client.0123456789abcdef0123456789abcdef"
SECRET = "kX4v9QmT2bYw7RfNc8HsL1pZ6dJg3VaE"
PROFILE = "amzn1.alexa.communications.profile.did.1234"
SEED = f"""
[[organization]]
name = "Harbour Hotels"
country = "US"
vertical = "hospitality"
webrtc = true
[[organization.client]]
id = "{CLIENT}"
secret = "{SECRET}"
[[organization.service_provider]]
id = "{PROVIDER}"
logical_id = "front-desk"
"""
USERS = f"/v1/communications/serviceProviders/{PROVIDER}/externalUsers"
FREE = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
#: Longest that anything may take, in seconds.
PATIENCE = 60
#: Above this many milliseconds a start is grossly slow, whatever else the machine does.
GROSS = 20_000
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Process:
    """A started server, with the URL of its public API."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("ready public="):
                self.url = line.split()[1].removeprefix("public=")
                return
        sys.exit(f"{command} ended with {self.process.wait()}")

    def stop(self) -> None:
        """Ends it as an operator would."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout
        self.process.stdout.read()
        status = self.process.wait(PATIENCE)
        assert status == 0, f"SIGTERM ends it with {status}"


def send(method: str, url: str, body: bytes | None = None, token: str | None = None) -> tuple[int, str]:
    """Sends a request; answers status and body of a success."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, body, headers, method=method)
    with OPENER.open(request, timeout=PATIENCE) as response:
        return response.status, response.read().decode()


def login(url: str) -> str:
    """An access token of the seed's client."""
    form = {
        "grant_type": "client_credentials",
        "scope": "amazon_communication::service_provider",
        "client_id": CLIENT,
        "client_secret": SECRET,
    }
    answer = json.loads(send("POST", f"{url}/auth/o2/token", urllib.parse.urlencode(form).encode())[1])
    return str(answer["access_token"])


def find(server: Process) -> list[dict[str, str]]:
    """What is associated with room 7201."""
    query = json.dumps({"filters": {"externalUserIds": ["7201"]}}).encode()
    status, body = send("POST", f"{server.url}{USERS}/query", query, login(server.url))
    assert status == 200, body
    return list(json.loads(body)["accountAssociations"])


def session(command: list[str], directory: str, inside: str, environment: dict[str, str]) -> None:
    """Serve, associate, find after a restart, stop. The program sees the directory as `inside`."""
    with open(os.path.join(directory, "seed.toml"), "w") as seed:
        seed.write(SEED)
    # It holds a secret: it belongs to whom the directory belongs to, alone.
    owner = os.stat(directory)
    os.chown(seed.name, owner.st_uid, owner.st_gid)
    os.chmod(seed.name, 0o600)
    serve = [*command, "serve", *FREE, "--store", f"embedded:{inside}/store", "--seed", f"{inside}/seed.toml"]
    server = Process(serve, environment)
    assert find(server) == []
    association = {"externalUserId": "7201", "amazonId": PROFILE, "amazonIdType": "communication-profile"}
    status, _ = send("POST", server.url + USERS, json.dumps(association).encode(), login(server.url))
    assert status == 201, status
    server.stop()
    again(serve, environment)


def again(serve: list[str], environment: dict[str, str]) -> None:
    """Finds what a session left."""
    server = Process(serve, environment)
    found = find(server)
    assert [entry["amazonId"] for entry in found] == [PROFILE], found
    server.stop()


def first_answer(command: list[str], environment: dict[str, str]) -> float:
    """Milliseconds from the start of a server with demo data to the answer to a request."""
    begin = time.monotonic()
    server = Process([*command, "dev", "--ephemeral", *FREE], environment)
    assert send("GET", f"{server.url}/healthz")[0] == 200
    lasted = (time.monotonic() - begin) * 1000
    server.stop()
    return lasted


def main() -> None:
    """Runs the session of the arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", help="of the package, for what is printed")
    parser.add_argument("directory", help="an empty one that the program may write to")
    parser.add_argument("--inside", help="the same directory as the program sees it")
    parser.add_argument("--again", action="store_true", help="only find what a session left, with the settings of the package")
    parser.add_argument("command", nargs="+", help="the program")
    arguments = parser.parse_args()
    command, name = arguments.command, arguments.name
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JACKFIELD_")}
    environment["JACKFIELD_LOG_LEVEL"] = "warn"
    if arguments.again:
        again([*command, "serve", *FREE], environment)
        print(f"{name}: what was associated before is there")
        return
    session(command, arguments.directory, arguments.inside or arguments.directory, environment)
    times = [first_answer(command, environment) for _ in range(5)]
    assert max(times) < GROSS, times
    middle, slowest = statistics.median(times), max(times)
    print(f"{name}: a first session works; first answer of dev --ephemeral after {middle:.0f} ms (at most {slowest:.0f} ms)")


if __name__ == "__main__":
    main()
