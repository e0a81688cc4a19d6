"""@aws-sdk/client-route-53: what `javascript/calls.mjs` makes answers, and fails over. `sdk_javascript.py CLIENTS NODE`."""

import json
import pathlib
import sys

from server import Endpoint, Server, expect

CLIENTS, NODE = sys.argv[1:]
CALLS = pathlib.Path(__file__).parent / "javascript/calls.mjs"


def main():
    primary, secondary = Endpoint(), Endpoint()
    with Server() as server:
        made = json.loads(server.run(NODE, CALLS, "make", primary.port, secondary.port, CLIENTS=CLIENTS))
        expect(server.dig("www.example.org"), ["192.0.2.1"], "the primary is answered while it is healthy")
        expect(server.dig("x.*.example.org", "TXT"), ['"<a & b>" "\\"\\228"'], "text passes XML and escapes octet for octet")
        server.await_event("health_transition", check=made["checks"][0], to="healthy")
        primary.stop()
        server.await_event("health_transition", check=made["checks"][0], to="unhealthy")
        expect(server.dig("www.example.org"), ["192.0.2.2"], "the secondary is answered once the primary is gone")
        server.run(NODE, CALLS, "clean", made["zone"], *made["checks"], CLIENTS=CLIENTS)
        expect(server.dig("www.example.org"), [], "a zone that is deleted is not served")


if __name__ == "__main__":
    main()
