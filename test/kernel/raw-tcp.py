"""Sends TCP segments with given sequence numbers and reports the segments that arrive: OWN-ADDRESS.

A line on standard input is a segment to send; a line on standard output is one that arrived for OWN-ADDRESS. Each is a
JSON object with the fields of raw-tcp.ts. The program ends when its standard input closes. A segment carries its label
as an option; segments without one, from the hosts' own TCP, are not reported.
"""

import json
import socket
import struct
import sys
import threading

NOP = 1
SACK = 5
# Experimental option (RFC 4727), four bytes.
LABEL = 253
FIXED_HEADER = struct.Struct("!HHIIBBHHH")
DESTINATION_OPTIONS = 60
FRAGMENT = 44
OWN_MARK = 1

own_address = sys.argv[1]
family = socket.AF_INET6 if ":" in own_address else socket.AF_INET


def pseudo_header(source, destination, length):
    """The IPv6 pseudo header (RFC 8200 section 8.1); the IPv4 one has the same sum."""
    addresses = [socket.inet_pton(family, address) for address in (source, destination)]
    return b"".join(addresses) + struct.pack("!II", length, socket.IPPROTO_TCP)


def checksum(source, destination, segment):
    """RFC 9293 section 3.1; 0 for a segment that contains its correct checksum."""
    covered = pseudo_header(source, destination, len(segment)) + segment
    covered += bytes(len(covered) % 2)
    total = sum(struct.unpack(f"!{len(covered) // 2}H", covered))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def options_of(order):
    """The SACK option (RFC 2018 section 3), aligned to words, and the label."""
    label = struct.pack("!BBH", LABEL, 4, order["label"])
    edges = [edge for block in order["sack"] for edge in block]
    if not edges:
        return label
    return struct.pack(f"!BBBB{len(edges)}I", NOP, NOP, SACK, 2 + 4 * len(edges), *edges) + label


def options_in(header):
    """Maps each option's kind to its value."""
    found = {}
    at = 0
    while at < len(header) and header[at] != 0:
        if header[at] == NOP:
            at += 1
            continue
        kind, length = header[at], header[at + 1]
        if length < 2:
            break
        found[kind] = header[at + 2 : at + length]
        at += length
    return found


def sack_blocks(value):
    edges = struct.unpack(f"!{len(value) // 4}I", value)
    return list(zip(edges[::2], edges[1::2]))


def segment_of(order):
    options = options_of(order)
    ports = order["sourcePort"], order["destinationPort"]
    numbers = order["sequence"], order["acknowledgment"]
    words = (FIXED_HEADER.size + len(options)) // 4
    control = words << 4, order["flags"], order["window"]

    def with_checksum(value):
        header = FIXED_HEADER.pack(*ports, *numbers, *control, value, order["urgentPointer"])
        return header + options + order["payload"].encode("latin-1")

    right = checksum(own_address, order["destination"], with_checksum(0))
    return with_checksum(right ^ 0xFFFF if order["wrongChecksum"] else right)


def packets_of(order):
    """The IP packets of a segment: one, or one fragment for each requested byte range."""
    segment = segment_of(order)
    ranges = order["fragments"] or [[0, len(segment)]]
    packet_of = ipv6_packet if family == socket.AF_INET6 else ipv4_packet
    return [packet_of(order, segment[start:end], start, end < len(segment)) for start, end in ranges]


def ipv4_packet(order, payload, offset, more):
    """The IPv4 header (RFC 791 section 3.1); the kernel fills in the total length and the checksum."""
    place = offset // 8 | (0x2000 if more else 0)
    addresses = [socket.inet_aton(address) for address in (own_address, order["destination"])]
    fields = 0x45, 0, 0, order["label"], place, order["hops"], socket.IPPROTO_TCP, 0
    return struct.pack("!BBHHHBBH", *fields) + b"".join(addresses) + payload


def ipv6_packet(order, payload, offset, more):
    """The IPv6 headers (RFC 8200 sections 3, 4.5 and 4.6)."""
    protocol = socket.IPPROTO_TCP
    if order["fragments"]:
        payload = struct.pack("!BBHI", protocol, 0, offset | more, order["label"]) + payload
        protocol = FRAGMENT
    if order["destinationOptions"]:
        # One PadN option that fills the header.
        payload = struct.pack("!BBBBI", protocol, 0, 1, 4, 0) + payload
        protocol = DESTINATION_OPTIONS
    addresses = [socket.inet_pton(family, address) for address in (own_address, order["destination"])]
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, order["hops"]) + b"".join(addresses) + payload


def told(segment, source):
    """`None` for a segment without a label."""
    fields = FIXED_HEADER.unpack_from(segment)
    source_port, destination_port, sequence, acknowledgment, words, flags, *_ = fields
    payload_at = (words >> 4) * 4
    options = options_in(segment[FIXED_HEADER.size : payload_at])
    if LABEL not in options:
        return None
    return {
        "label": int.from_bytes(options[LABEL], "big"),
        "source": source,
        "sourcePort": source_port,
        "destinationPort": destination_port,
        "sequence": sequence,
        "acknowledgment": acknowledgment,
        "flags": flags,
        "sack": sack_blocks(options.get(SACK, b"")),
        "payload": segment[payload_at:].decode("latin-1"),
        "checksumRight": checksum(source, own_address, segment) == 0,
    }


def listen():
    while True:
        packet, (source, *_) = receiving.recvfrom(0xFFFF)
        # A raw socket delivers the IP header in IPv4 but not in IPv6.
        start = (packet[0] & 0xF) * 4 if family == socket.AF_INET else 0
        arrived = told(packet[start:], source)
        if arrived is not None:
            print(json.dumps(arrived), flush=True)


receiving = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
receiving.bind((own_address, 0))
sending = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
sending.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, OWN_MARK)
threading.Thread(target=listen, daemon=True).start()
for line in sys.stdin:
    order = json.loads(line)
    for packet in packets_of(order):
        sending.sendto(packet, (order["destination"], 0))
