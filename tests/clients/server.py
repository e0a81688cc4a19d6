"""A `waypost serve` of a script's own, what it probes, and `dig`.

The binary is the one that the environment's WAYPOST names. It serves no file: every zone comes through the Route 53 API, on
ports of loopback that the system chooses, from a store in a temporary folder, and with one access key, so that every
signature is verified. Nothing outlives the script: processes end by their ids, and the folder goes.

Waits are reads of the log with a deadline. A claim that does not hold ends the script with an error.
"""

import http.server
import json
import os
import pathlib
import queue
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import boto3
import botocore.config

# Longer than anything here takes; only a failing script waits for it.
PATIENCE_SECS = 60

# Who ends the script from outside ends what it has started as well.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))

CONFIG = """
[server]
listen  = ["127.0.0.1:0"]
workers = 1

[http]
listen = "127.0.0.1:0"

[store]
path = "store.redb"

[log]
format = "json"

[zones]
files = []

[[route53.key]]
id     = "{key_id}"
secret = "{secret}"
"""


class Server:
    """A server that answers, until the `with` block ends; `config` is added to its configuration.

    `folder` is there before, for files that the configuration names.
    """

    def __init__(self, config=""):
        self.key_id, self.secret = "AKIAIOSFODNN7EXAMPLE", secrets.token_urlsafe(30)
        self._folder = tempfile.TemporaryDirectory(prefix="waypost-client-")
        self.folder = pathlib.Path(self._folder.name)
        (self.folder / "waypost.toml").write_text(CONFIG.format(key_id=self.key_id, secret=self.secret) + config)
        self._lines, self._said = queue.Queue(), []

    def __enter__(self):
        command = [os.environ["WAYPOST"], "serve", "-c", "waypost.toml"]
        self._process = subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._read, daemon=True).start()
        try:
            started = self.await_event("started")
            self.dns, self.http = started["dns"].split()[0], started["http"].split()[0]
            self.endpoint = f"http://{self.http}"
            with urllib.request.urlopen(f"{self.endpoint}/readyz", timeout=PATIENCE_SECS) as page:
                expect(page.status, 200, "a server that has started is ready")
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        say(f"waypost answers on {self.dns}, and its API on {self.endpoint}")
        return self

    def __exit__(self, kind, *_):
        self._process.terminate()
        try:
            status = self._process.wait(PATIENCE_SECS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if kind is not None:
            self.show_log()
        self._folder.cleanup()
        if kind is None:
            expect(status, 0, "the server ends when told")

    def _read(self):
        for line in self._process.stderr:
            self._lines.put(line)
        self._lines.put(None)

    def show_log(self):
        while not self._lines.empty():
            self._said.append(self._lines.get() or "")
        print("the server said:\n" + "".join(self._said), file=sys.stderr)

    def await_event(self, event, **fields):
        """The first entry about `event` with these fields, of those that no earlier call has read; waits for it."""
        deadline = time.monotonic() + PATIENCE_SECS
        while True:
            try:
                line = self._lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no such event in the log: {event} {fields}")
            self._said.append(line)
            entry = json.loads(line)
            if entry.get("event") == event and fields.items() <= entry.items():
                return entry

    def environment(self, **more):
        """What a client needs to speak to this server and to nothing else."""
        clean = {name: value for name, value in os.environ.items() if not is_foreign(name)}
        mine = {
            "AWS_ACCESS_KEY_ID": self.key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_ROUTE_53": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(self.folder / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "no-credentials"),
            "AWS_PAGER": "",
            "HOME": str(self.folder),
            "NO_PROXY": "127.0.0.1,localhost",
        }
        return {**clean, **mine, **more}

    def client(self, **more):
        """boto3's client, with this server's key unless `more` says otherwise; it tries once."""
        keys = {"aws_access_key_id": self.key_id, "aws_secret_access_key": self.secret, "region_name": "us-east-1"}
        config = botocore.config.Config(retries={"max_attempts": 0})
        return boto3.Session().client("route53", endpoint_url=self.endpoint, config=config, **{**keys, **more})

    def run(self, *command, status=0, **environment):
        """Runs a client, which must end with `status`; what it printed, and on failure what it complained of as well."""
        say("$ " + " ".join(str(word) for word in command))
        ran = subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=4 * PATIENCE_SECS,
        )
        if ran.returncode != status:
            raise AssertionError(f"ended with {ran.returncode}, not {status}:\n{ran.stdout}{ran.stderr}")
        return ran.stdout if status == 0 else ran.stdout + ran.stderr

    def dig(self, name, rtype="A", subnet=None):
        """What `dig +short` prints, in order of text: answers of one RRset come in any order."""
        host, port = self.dns.rsplit(":", 1)
        command = ["dig", f"@{host}", "-p", port, "+short", "+norecurse", "+tries=1", "+timeout=5", name, rtype]
        command += [f"+subnet={subnet}"] if subnet else []
        answer = sorted(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
        say("$ " + " ".join(command) + "".join(f"\n  {line}" for line in answer))
        return answer


class Endpoint:
    """An HTTP server on loopback that a health check probes, until it is stopped."""

    def __init__(self, address="127.0.0.1", port=0):
        self._server = http.server.ThreadingHTTPServer((address, port), Healthy)
        self.address, self.port = self._server.server_address
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        """Closes the listener: who connects is refused."""
        self._server.shutdown()
        self._server.server_close()
        say(f"nothing listens on {self.address}:{self.port} any more")


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        """Probes are many."""


def is_foreign(name):
    """Variables that would lead a client elsewhere, or say who it is."""
    return name.startswith("AWS_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def say(what):
    print(what, flush=True)


def expect(found, expected, claim):
    """Ends the script unless what was found is what was expected."""
    if found != expected:
        raise AssertionError(f"{claim}: found {found!r}, expected {expected!r}")
    say(f"  ok: {claim}")
