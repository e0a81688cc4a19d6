"""lego: an order for a name and its wildcard, with TLS and Route 53's own name before the API.

lego of Debian 12 can't be told of another endpoint: it connects to route53.amazonaws.com, through a proxy here. The record
is asked for when lego asks whether its change is through, which is before the CA looks.
"""

import sys

from cryptography import x509

from acme import Authority, Certificate, Proxy
from server import Server, expect

LEGO = sys.argv[1]
CHALLENGE = "_acme-challenge.example.org"


def main():
    with Server() as server:
        # Beside the zone that is meant: one below it, and one whose name begins alike. lego lists from a name on, and chooses.
        for zone in ("example.org", "a.example.org", "example.org.example.net"):
            server.client().create_hosted_zone(Name=zone, CallerReference=zone)
        certificate = Certificate(server.folder)
        seen = []

        def watch(line):
            if line.startswith("GET /2013-04-01/change/"):
                seen.append(server.dig(CHALLENGE, "TXT"))

        with Authority(server, certificate) as authority, Proxy(server, certificate, watch) as proxy:
            order(server, authority, proxy)
        expect([len(one) for one in seen[:2]], [1, 2], "a challenge is answered before lego hears that its change is through")
        made = x509.load_pem_x509_certificate((server.folder / ".lego/certificates/example.org.crt").read_bytes())
        names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
        expect(sorted(names), ["*.example.org", "example.org"], "the CA has given a certificate for both names")
        expect(server.dig(CHALLENGE, "TXT"), [], "lego has cleaned up")


def order(server, authority, proxy):
    names = ["--domains", "example.org", "--domains", "*.example.org"]
    dns = ["--dns", "route53", "--dns.resolvers", server.dns, "--dns.disable-cp"]
    account = ["--accept-tos", "--email", "hostmaster@example.org"]
    environment = {
        "HTTPS_PROXY": proxy.url,
        "AWS_CA_BUNDLE": authority.certificate.file,
        "LEGO_CA_CERTIFICATES": authority.certificate.file,
    }
    server.run(LEGO, "--server", authority.directory, *account, *dns, *names, "run", **environment)


if __name__ == "__main__":
    main()
