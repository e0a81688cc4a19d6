"""Writes places.mmdb: made-up places for the networks that are set aside for documentation (RFC 5737, RFC 3849).

pip install mmdb_writer netaddr; python places.py
"""

from mmdb_writer import MMDBWriter
from netaddr import IPSet

# network: continent, country, subdivision, degrees north and east
PLACES = {
    "192.0.2.0/26": ("EU", "DE", "HE", 50.11, 8.68),
    "192.0.2.64/26": ("EU", "BE", None, 50.45, 3.82),
    "192.0.2.128/26": ("EU", "NL", None, 52.37, 4.90),
    "192.0.2.192/26": ("EU", "FI", None, 60.17, 24.94),
    "198.51.100.0/25": ("NA", "US", "VA", 38.90, -77.45),
    "198.51.100.128/25": ("NA", "US", "WA", 47.61, -122.33),
    "203.0.113.0/24": ("SA", "BR", "SP", -23.55, -46.63),
    "2001:db8::/33": ("EU", "DE", "HE", 50.11, 8.68),
    "2001:db8:8000::/33": ("NA", "US", "VA", 38.90, -77.45),
}

writer = MMDBWriter(
    ip_version=6,
    ipv4_compatible=True,
    database_type="Documentation-City",
    languages=["en"],
    description="made-up places for documentation",
    float_type="f64",
)
for network, (continent, country, subdivision, north, east) in PLACES.items():
    place = {
        "continent": {"code": continent},
        "country": {"iso_code": country},
        "location": {"latitude": north, "longitude": east},
    }
    if subdivision:
        place["subdivisions"] = [{"iso_code": subdivision}]
    writer.insert_network(IPSet([network]), place)
writer.to_db_file("places.mmdb")
