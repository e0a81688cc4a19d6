"""certbot with its own plugin for Route 53: an order for a name and its wildcard, which share one TXT record set.

certbot stops where a person may look before the CA does; there `dig` is the person.
"""

import subprocess
import sys

from cryptography import x509

from acme import Authority, Certificate
from server import PATIENCE_SECS, Server, expect, say

CERTBOT = sys.argv[1]


def main():
    with Server() as server:
        # Two zones that enclose the name: the nearer one is to be changed.
        for zone in ("example.org", "app.example.org"):
            server.client().create_hosted_zone(Name=zone, CallerReference=zone)
        certificate = Certificate(server.folder)
        with Authority(server, certificate) as authority:
            order(server, authority)
        made = x509.load_pem_x509_certificate((server.folder / "config/live/app.example.org/cert.pem").read_bytes())
        names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
        expect(sorted(names), ["*.app.example.org", "app.example.org"], "the CA has given a certificate for both names")
        expect(server.dig("_acme-challenge.app.example.org", "TXT"), [], "the plugin has cleaned up")


def order(server, authority):
    folders = [f"--{kind}-dir={server.folder / kind}" for kind in ("config", "work", "logs")]
    names = ["-d", "app.example.org", "-d", "*.app.example.org"]
    account = ["--agree-tos", "--register-unsafely-without-email", "--no-eff-email"]
    pausing = ["--debug-challenges", "--force-interactive"]
    command = [CERTBOT, "certonly", "--dns-route53", "--server", authority.directory, *names, *account, *folders, *pausing]
    say("$ " + " ".join(command))
    environment = server.environment(REQUESTS_CA_BUNDLE=authority.certificate.file)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, env=environment, text=True, **pipes)
    said = ""
    while "Press Enter to Continue" not in said and (read := process.stdout.read(1)):
        said += read
    try:
        shown = server.dig("_acme-challenge.app.example.org", "TXT")
        expect(len(set(shown)), 2, "both challenges are answered before certbot asks the CA to look")
        rest, _ = process.communicate("\n", timeout=PATIENCE_SECS)
        expect(process.returncode, 0, "the CA has looked and was content")
    except BaseException:
        process.kill()
        say(said + (process.stdout.read() if not process.stdout.closed else ""))
        raise


if __name__ == "__main__":
    main()
