"""octoDNS with octodns-route53: plan, apply, and a second plan that is empty. `octodns_sync.py BIN`, octoDNS's folder of commands.

`octodns/example.org.yaml` has plain records and two dynamic ones. One goes by where clients are, with health checks of its
values, which are addresses of loopback; the other by their networks. Each pool is seen by a client that is sent there.
"""

import pathlib
import sys

from mmdb_writer import MMDBWriter
from netaddr import IPSet

from server import Endpoint, Server, expect

BIN = pathlib.Path(sys.argv[1])
FILES = pathlib.Path(__file__).parent / "octodns"
GEO = '\n[geo]\nmmdb = "places.mmdb"\n'

# The pools' checked values: octoDNS wants one port for all.
CHECKED = ["127.0.0.11", "127.0.0.12", "127.0.0.13"]
LONG = "x" * 300


def main():
    first = Endpoint(CHECKED[0])
    endpoints = [first] + [Endpoint(address, first.port) for address in CHECKED[1:]]
    server = Server(GEO)
    write_places(server.folder / "places.mmdb")
    with server:
        write_zone(server, first.port)
        plan = sync(server)
        for wanted in ("Create", "geo", "_sip._tcp"):
            expect(wanted in plan, True, f"the plan has {wanted}")
        expect(server.dig("example.org"), [], "a plan changes nothing")
        sync(server, "--doit")
        expect("No changes were planned" in sync(server), True, "the second plan is empty")
        plain(server)
        by_place(server)
        by_network(server)
        fails_over(server, endpoints)
        expect("No changes were planned" in sync(server), True, "what health does is no change")
        changes(server, first.port)


def write_zone(server, port, **edits):
    (server.folder / "zones").mkdir(exist_ok=True)
    text = (FILES / "example.org.yaml").read_text().replace("PORT", str(port)).replace("LONG", LONG)
    for old, new in edits.items():
        text = text.replace(old, new)
    (server.folder / "zones/example.org.yaml").write_text(text)
    config = (FILES / "config.yaml").read_text().replace("ZONES", str(server.folder / "zones"))
    (server.folder / "config.yaml").write_text(config)


def sync(server, *words):
    """What octoDNS reports of its plan; its log, which has the plan, goes to standard error."""
    command = [BIN / "octodns-sync", "--config-file", server.folder / "config.yaml", "--log-stream-stdout", *words]
    return server.run(*command)


def plain(server):
    expect(server.dig("example.org"), ["192.0.2.1", "192.0.2.2"], "a plain record set")
    expect(server.dig("x.dev.example.org"), ["192.0.2.9"], "a wildcard")
    expect(server.dig("example.org", "CAA"), ['0 issue "ca.example.net"'], "CAA")
    expect(server.dig("example.org", "MX"), ["10 mail.example.org.", "20 mail.example.net."], "MX")
    expect(server.dig("example.org", "TXT"), ['"a word; and another"', '"v=spf1 -all"'], "TXT")
    expect(server.dig("long.example.org", "TXT"), [f'"{LONG[:255]}" "{LONG[255:]}"'], "TXT longer than a character string")
    expect(server.dig("_sip._tcp.example.org", "SRV"), ["1 2 5060 sip.example.org."], "SRV")
    naptr = '10 100 "S" "SIP+D2U" "!^.*$!sip:a@example.org!" .'
    expect(server.dig("ldap.example.org", "NAPTR"), [naptr], "NAPTR")
    digest = "3490A6806D47F17A34C29E2CE80E8A999FFBE4BEAA25F0A5D6A6A4C1 D2B1D1C6"
    expect(server.dig("sub.example.org", "DS"), [f"1 13 2 {digest}"], "DS of a delegation")


def by_place(server):
    def seen(subnet):
        """Where the client is sent; weights are drawn, so that a pool of two shows either."""
        return server.dig("geo.example.org", subnet=subnet)[0]

    expect(seen("203.0.113.0/25") in ("127.0.0.12", "127.0.0.13"), True, "a client in Germany gets the pool of Europe")
    expect(seen("203.0.113.128/25") in ("127.0.0.12", "127.0.0.13"), True, "and so does one in South Africa")
    expect(seen("198.51.100.0/25"), "127.0.0.11", "a client in Japan gets the pool of Asia")
    expect(seen("198.51.100.128/25"), "127.0.0.15", "one in Texas gets the value that is up, not the one that is down")
    expect(seen("192.0.2.0/24"), "127.0.0.16", "one in Brazil gets the pool for the rest")
    by_name = server.dig("www.example.org", subnet="198.51.100.0/25")
    expect(by_name, ["127.0.0.11", "geo.example.org."], "a CNAME leads to the same choice")


def by_network(server):
    expect(server.dig("net.example.org", "AAAA", "198.51.100.0/25"), ["2001:db8::1"], "a client of the office's network")
    expect(server.dig("net.example.org", "AAAA", "2001:db8:1:2::/64"), ["2001:db8::1"], "of its IPv6 network")
    expect(server.dig("net.example.org", "AAAA", "203.0.113.0/24"), ["2001:db8::2"], "of neither")


def fails_over(server, endpoints):
    """Europe's values go one after the other, then Asia's, to which Europe falls back."""
    asia, *europe = endpoints
    down(server, europe[0])
    expect({germany(server) for _ in range(8)}, {"127.0.0.13"}, "of two values the healthy one is left")
    down(server, europe[1])
    expect(germany(server), "127.0.0.11", "a pool with none left falls back to the next")
    down(server, asia)
    expect(germany(server), "127.0.0.16", "and that one to the last")


def germany(server):
    return server.dig("geo.example.org", subnet="203.0.113.0/25")[0]


def down(server, endpoint):
    """Stops what listens, and waits for the one check that octoDNS made of it."""
    checks = [check for page in server.client().get_paginator("list_health_checks").paginate() for check in page["HealthChecks"]]
    of_it = [check["Id"] for check in checks if check["HealthCheckConfig"].get("IPAddress") == endpoint.address]
    expect(len(of_it), 1, f"one health check probes {endpoint.address}")
    endpoint.stop()
    server.await_event("health_transition", check=of_it[0], to="unhealthy")


def changes(server, port):
    """A pool of other values, and a record less."""
    write_zone(server, port, **{"127.0.0.15": "127.0.0.25", "'*.dev'": "'*.prod'"})
    sync(server, "--doit")
    expect("No changes were planned" in sync(server), True, "the plan after a change is empty")
    expect(server.dig("geo.example.org", subnet="198.51.100.128/25"), ["127.0.0.25"], "the value of the pool is the new one")
    expect(server.dig("x.dev.example.org"), [], "the record that was removed is gone")
    expect(server.dig("x.prod.example.org"), ["192.0.2.9"], "the one that was added is there")


def write_places(file):
    """A geo database of blocks for documentation."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="GeoLite2-City")
    rows = [
        ("203.0.113.0/25", "EU", "DE", None),
        ("203.0.113.128/25", "AF", "ZA", None),
        ("198.51.100.0/25", "AS", "JP", None),
        ("198.51.100.128/25", "NA", "US", "TX"),
        ("192.0.2.0/24", "SA", "BR", None),
    ]
    for block, continent, country, subdivision in rows:
        place = {"continent": {"code": continent}, "country": {"iso_code": country}}
        place |= {"subdivisions": [{"iso_code": subdivision}]} if subdivision else {}
        writer.insert_network(IPSet([block]), place)
    writer.to_db_file(str(file))


if __name__ == "__main__":
    main()
