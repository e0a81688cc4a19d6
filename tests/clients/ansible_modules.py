"""Ansible's modules for Route 53: a playbook that makes a failover, once more with nothing left to do, and one that clears up.

`ansible_modules.py BIN`, Ansible's folder of commands.
"""

import json
import pathlib
import re
import sys

from server import Endpoint, Server, expect

BIN = pathlib.Path(sys.argv[1])
BOOKS = pathlib.Path(__file__).parent / "ansible"


def main():
    primary, secondary = Endpoint(), Endpoint()
    with Server() as server:
        words = {"endpoint": server.endpoint, "primary": primary.port, "secondary": secondary.port}
        words |= {"made": str(server.folder / "made.json"), "ansible_python_interpreter": sys.executable}
        expect(play(server, "present.yml", words) > 0, True, "the playbook has changed something")
        expect(play(server, "present.yml", words), 0, "a second time there is nothing to change")
        expect(server.dig("www.example.org"), ["192.0.2.1"], "the primary is answered while it is healthy")
        expect(server.dig("example.org"), ["192.0.2.1"], "and by the alias")
        expect(server.dig("x.example.org", "TXT"), ['"one" "two"', '"three"'], "the wildcard is no escape")
        checks = json.loads((server.folder / "made.json").read_text())["checks"]
        primary.stop()
        server.await_event("health_transition", check=checks[0], to="unhealthy")
        expect(server.dig("www.example.org"), ["192.0.2.2"], "the secondary is answered once the primary is gone")
        expect(server.dig("example.org"), ["192.0.2.2"], "and by the alias")
        play(server, "absent.yml", words)
        expect(server.dig("www.example.org"), [], "what is absent is not answered")
        expect(server.client().list_health_checks()["HealthChecks"], [], "and not probed")


def play(server, book, words):
    """How many tasks have changed something."""
    environment = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": str(server.folder / "tmp"), "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
    command = [BIN / "ansible-playbook", "-i", "localhost,", "-e", json.dumps(words), BOOKS / book]
    said = server.run(*command, LC_ALL="C.UTF-8", **environment)
    return int(re.search(r"changed=(\d+)", said)[1])


if __name__ == "__main__":
    main()
