"""Which IP addresses belong to the internet, where anybody may be, and which to a network that we must not touch.

Refused are all that are private, local, shared, reserved or special, and every IPv6 form that carries an IPv4 address
inside: what a gateway makes of that cannot be known here. Python's own `is_global` lets NAT64, multicast and a
cloud's wire server pass, so the lists are our own.
Source: IANA special-purpose address registries; RFC 6890, 6052, 6598, 7526; vendors' manuals of metadata services.
"""

import ipaddress

_CLOSED_4 = tuple(
    ipaddress.IPv4Network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's wire server: a public number, answered inside
        "169.254.0.0/16",  # link-local, and the metadata of AWS, Google, Azure
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, and Oracle's metadata
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Of IPv6 only what registries have given out is open: 2000::/3. Mapped, compatible, NAT64, unique-local (and AWS's
# fd00:ec2::254), link-local, multicast, loopback and unspecified addresses all lie outside it.
_OPEN_6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_6 = tuple(
    ipaddress.IPv6Network(net)
    for net in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarking
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",
        "3ffe::/16",  # the old test network
        "3fff::/20",
    )
)
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


def is_public(address: str) -> bool:
    """Tell whether the literal address is one of the internet, beyond doubt."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # a scope (fe80::1%eth0) is link-local anyway
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in net for net in _CLOSED_4)
    if found.scope_id or found not in _OPEN_6 or any(found in net for net in _CLOSED_6):
        return False
    return (int(found) >> 32) & 0xFFFFFFFF not in _ISATAP


def is_loopback(address: str) -> bool:
    """Tell whether the literal address is 127.0.0.0/8 or ::1, and nothing that is mapped onto them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return found.is_loopback and getattr(found, "ipv4_mapped", None) is None
