"""A certificate authority on loopback: Debian's pebble, which asks waypost for the TXT record that an order is to show.

And what puts TLS before the API, for clients that insist on Route 53's own name. Neither outlives its `with` block.
"""

import contextlib
import datetime
import ipaddress
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server import PATIENCE_SECS, say

PEBBLE = "/usr/bin/pebble"

CONFIG = """{{"pebble": {{
  "listenAddress": "127.0.0.1:{port}", "managementListenAddress": "127.0.0.1:{management}",
  "certificate": "{certificate}", "privateKey": "{key}",
  "httpPort": 1, "tlsPort": 1, "ocspResponderURL": "", "externalAccountBindingRequired": false
}}}}"""

# No pauses, and no nonces refused by chance: what is tested here is DNS.
ENVIRONMENT = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}


class Authority:
    """Pebble, believing whatever `server` answers."""

    def __init__(self, server, certificate):
        self._server, self.certificate = server, certificate
        self._config = server.folder / "pebble.json"

    def __enter__(self):
        # Somebody may take a free port before pebble does; it ends then.
        if not any(self._starts() for _ in range(3)):
            raise AssertionError("pebble does not start:\n" + "".join(self._said))
        context = ssl.create_default_context(cafile=self.certificate.file)
        try:
            urllib.request.urlopen(self.directory, context=context, timeout=PATIENCE_SECS).close()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        say(f"an ACME server answers at {self.directory}, and asks {self._server.dns} for records")
        return self

    def _starts(self):
        port, management = free_ports(2)
        self.directory = f"https://127.0.0.1:{port}/dir"
        keys = {"certificate": self.certificate.file, "key": self.certificate.key}
        self._config.write_text(CONFIG.format(port=port, management=management, **keys))
        self._process = subprocess.Popen(
            [PEBBLE, "-config", str(self._config), "-strict", "-dnsserver", self._server.dns],
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._said = []
        threading.Thread(target=self._read, args=[self._process.stdout], daemon=True).start()
        # It says that it listens before it does: only a connection tells.
        deadline = time.monotonic() + PATIENCE_SECS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                return True
            time.sleep(0.02)
        self._process.kill()
        self._process.wait()
        return False

    def _read(self, output):
        self._said.extend(output)

    def __exit__(self, kind, *_):
        self._process.terminate()
        self._process.wait(PATIENCE_SECS)
        if kind is not None:
            say("the ACME server said:\n" + "".join(self._said))


class Certificate:
    """A certificate for this host and for Route 53's name, signed by itself, and its key."""

    def __init__(self, folder):
        self.file, self.key = str(folder / "certificate.pem"), str(folder / "key.pem")
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("route53.amazonaws.com")]
        now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made = builder.sign(key, hashes.SHA256())
        with open(self.file, "wb") as file:
            file.write(made.public_bytes(serialization.Encoding.PEM))
        encoding, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        with open(self.key, "wb") as file:
            file.write(key.private_bytes(serialization.Encoding.PEM, encoding, plain))


class Proxy:
    """An HTTPS proxy that takes every connection for waypost's, and ends its TLS: octets pass as they are.

    `watch` is told the first line of what a client sends before waypost gets it.
    """

    def __init__(self, server, certificate, watch):
        self._upstream, self._watch = server.http.rsplit(":", 1), watch
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate.file, certificate.key)

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        say(f"the proxy is asked for {head.split()[1].decode()}")
        connection.sendall(b"HTTP/1.1 200 connected\r\n\r\n")
        client = self._tls.wrap_socket(connection, server_side=True)
        upstream = socket.create_connection((self._upstream[0], int(self._upstream[1])))
        threading.Thread(target=pump, args=[upstream, client, lambda _: None], daemon=True).start()
        pump(client, upstream, lambda octets: self._watch(octets.split(b"\r\n", 1)[0].decode("latin-1")))


def pump(source, sink, watch):
    """Hands on what comes until it ends or either side is gone."""
    try:
        while octets := source.recv(65_536):
            watch(octets)
            sink.sendall(octets)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        sink.close()


def free_ports(count):
    """Ports that nobody listens on: pebble can't be given port 0, since it does not say which it got."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
