"""A server for tests: started on free ports, reset between tests, stopped at the end.

It is `jackfield dev --ephemeral`: demo data, public credentials, everything in memory. Use it on the machine that the
tests run on.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import re
import secrets
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import IO, Any, Mapping, Optional, Sequence, Union

from . import find_binary

__all__ = ["Options", "Server", "ServerError"]

#: The scope of operations on associations.
PROVIDER_SCOPE = "amazon_communication::service_provider"
#: Longest that one request of this module may take, in seconds.
REQUEST_TIMEOUT = 30
#: Longest that a server may take to end: it finishes what is in flight within 10 s.
STOP_TIMEOUT = 20

_READY = re.compile(r"^ready public=(\S+) admin=(\S+) store=\S+")
# No proxy of the environment stands between a test and its own machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServerError(Exception):
    """The server could not be started, or refused a request of this module. The message has its log."""


@dataclass(frozen=True)
class Options:
    """How a server is started."""

    #: More flags of `jackfield dev`.
    flags: Sequence[str] = ()
    #: A seed file, whose content comes beside the demo data and comes back with each reset.
    seed: Optional[Union[str, "os.PathLike[str]"]] = None
    #: More environment of the server. `JACKFIELD_…` of this process does not reach it, so that tests are the same
    #: on every machine.
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Longest that the start may take, in seconds.
    timeout: float = 30


class Server:
    """A running server. It is running when the constructor returns; `stop` or the end of a `with` block ends it.

    Raises ServerError when it does not start, FileNotFoundError when the program is not there.
    """

    #: The URL of the public API, without a slash at the end.
    endpoint: str
    #: The URL of the admin API, without a slash at the end.
    admin_url: str
    #: A token that may do everything at the admin API.
    admin_token: str
    #: The demo client.
    client_id: str
    client_secret: str
    refresh_token: str
    #: The service provider of the demo data.
    provider_id: str
    #: An access token of the demo client for operations on associations, valid for an hour. A reset leaves it valid.
    token: str

    def __init__(self, options: Options = Options()) -> None:
        self.admin_token = secrets.token_urlsafe(24)
        command = [find_binary(), "dev", "--ephemeral", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
        if options.seed is not None:
            command += ["--seed", os.fspath(options.seed)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JACKFIELD_")}
        environment.update(options.environment, JACKFIELD_ADMIN_TOKEN=self.admin_token)
        self._log: IO[bytes] = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [*command, *options.flags],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
        )
        # A test run that ends without `stop` leaves no server behind.
        atexit.register(self._kill)
        try:
            self.endpoint, self.admin_url = self._wait_until_ready(options.timeout)
            demo = self.admin("GET", "/admin/v1/demo")
            self.client_id = demo["client_id"]
            self.client_secret = demo["client_secret"]
            self.refresh_token = demo["refresh_token"]
            self.provider_id = demo["service_provider_id"]
            self.token = self.new_token()
        except BaseException:
            self._kill()
            raise

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def external_users_url(self) -> str:
        """The URL of the associations of the demo service provider."""
        return f"{self.endpoint}/v1/communications/serviceProviders/{self.provider_id}/externalUsers"

    @property
    def log(self) -> str:
        """What the server has written to standard error so far."""
        return os.pread(self._log.fileno(), os.fstat(self._log.fileno()).st_size, 0).decode("utf-8", "replace")

    def reset(self) -> None:
        """Makes the content what it was at the start, and ends fault rules, clock offset and journal.

        Access tokens stay valid. A request in flight is answered before.
        """
        self.admin("POST", "/admin/v1/reset")

    def new_token(self, scope: str = PROVIDER_SCOPE) -> str:
        """Logs in as the demo client; answers a new access token."""
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        answer = self._send("POST", f"{self.endpoint}/auth/o2/token", urllib.parse.urlencode(form).encode(), {})
        return str(answer["access_token"])

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """Sends a request to the admin API, for example `("POST", "/admin/v1/faults", {…})`; answers the JSON of the
        response, None when it has no body.

        Raises ServerError when it is refused.
        """
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.admin_token}", "Content-Type": "application/json"}
        return self._send(method, self.admin_url + path, content, headers)

    def stop(self) -> None:
        """Ends the server. Does nothing when it has ended.

        Raises ServerError when it does not end as it should.
        """
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                pass
        status = self._process.poll()
        log = "" if self._log.closed else self.log
        self._kill()
        if status != 0 and log:
            raise ServerError(f"jackfield ended with {status}:\n{log}")

    def _send(self, method: str, url: str, body: Optional[bytes], headers: Mapping[str, str]) -> Any:
        request = urllib.request.Request(url, body, dict(headers), method=method)
        try:
            with _OPENER.open(request, timeout=REQUEST_TIMEOUT) as response:
                content = response.read()
        except urllib.error.HTTPError as error:
            # Neither URL nor headers: they may hold what is secret.
            text = error.read().decode("utf-8", "replace")
            raise ServerError(f"{method} {urllib.parse.urlsplit(url).path}: {error.code} {text}") from None
        except OSError as error:
            raise ServerError(f"{method} {urllib.parse.urlsplit(url).path}: {error}\n{self.log}") from error
        return json.loads(content) if content else None

    def _wait_until_ready(self, timeout: float) -> "tuple[str, str]":
        lines: "queue.Queue[Optional[str]]" = queue.Queue()

        def read() -> None:
            assert self._process.stdout is not None
            for line in self._process.stdout:
                lines.put(line)
            lines.put(None)

        # It reads on afterwards, so that the server never waits for a full pipe.
        threading.Thread(target=read, name="jackfield-stdout", daemon=True).start()
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = lines.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                raise ServerError(f"jackfield is not ready after {timeout} s:\n{self.log}") from None
            if line is None:
                raise ServerError(f"jackfield ended with {self._process.wait()}:\n{self.log}")
            if ready := _READY.match(line):
                return ready.group(1), ready.group(2)

    def _kill(self) -> None:
        atexit.unregister(self._kill)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._log.close()
