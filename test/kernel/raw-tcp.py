"""Sends TCP segments with the numbers it is told, and tells those of the segments that arrive: OWN-ADDRESS.

A line of standard input is a segment to send, a line of standard output one that arrived for OWN-ADDRESS, each a JSON
object with the fields that raw-tcp.ts gives and takes. It ends with its standard input.
"""

import json
import socket
import struct
import sys
import threading

NOP = 1
SACK = 5
FIXED_HEADER = struct.Struct("!HHIIBBHHH")

own_address = sys.argv[1]
family = socket.AF_INET6 if ":" in own_address else socket.AF_INET


def pseudo_header(source, destination, length):
    """That of IPv6 (RFC 8200 section 8.1); the one of IPv4 has the same sum."""
    addresses = [socket.inet_pton(family, address) for address in (source, destination)]
    return b"".join(addresses) + struct.pack("!II", length, socket.IPPROTO_TCP)


def checksum(source, destination, segment):
    """RFC 9293 section 3.1; 0 for a segment that has its right checksum in it."""
    covered = pseudo_header(source, destination, len(segment)) + segment
    covered += bytes(len(covered) % 2)
    total = sum(struct.unpack(f"!{len(covered) // 2}H", covered))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def sack_option(blocks):
    """RFC 2018 section 3, aligned to words."""
    if not blocks:
        return b""
    edges = [edge for block in blocks for edge in block]
    return struct.pack(f"!BBBB{len(edges)}I", NOP, NOP, SACK, 2 + 4 * len(edges), *edges)


def sack_blocks(options):
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == NOP:
            at += 1
            continue
        kind, length = options[at], options[at + 1]
        if kind == SACK:
            edges = struct.unpack(f"!{(length - 2) // 4}I", options[at + 2 : at + length])
            return list(zip(edges[::2], edges[1::2]))
        at += length
    return []


def written(order):
    options = sack_option(order["sack"])
    ports = order["sourcePort"], order["destinationPort"]
    numbers = order["sequence"], order["acknowledgment"]
    words = (FIXED_HEADER.size + len(options)) // 4
    control = words << 4, order["flags"], order["window"]

    def with_checksum(value):
        header = FIXED_HEADER.pack(*ports, *numbers, *control, value, 0)
        return header + options + order["payload"].encode()

    return with_checksum(checksum(own_address, order["destination"], with_checksum(0)))


def told(segment, source):
    fields = FIXED_HEADER.unpack_from(segment)
    source_port, destination_port, sequence, acknowledgment, words, flags, window, _, _ = fields
    payload_at = (words >> 4) * 4
    return {
        "source": source,
        "sourcePort": source_port,
        "destinationPort": destination_port,
        "sequence": sequence,
        "acknowledgment": acknowledgment,
        "flags": flags,
        "window": window,
        "sack": sack_blocks(segment[FIXED_HEADER.size : payload_at]),
        "payload": segment[payload_at:].decode(),
        "checksumRight": checksum(source, own_address, segment) == 0,
    }


def listen(raw):
    while True:
        packet, (source, *_) = raw.recvfrom(0xFFFF)
        # A raw socket has the IP header before the segment in IPv4, and has not in IPv6.
        start = (packet[0] & 0xF) * 4 if family == socket.AF_INET else 0
        print(json.dumps(told(packet[start:], source)), flush=True)


raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
raw.bind((own_address, 0))
threading.Thread(target=listen, args=[raw], daemon=True).start()
for line in sys.stdin:
    order = json.loads(line)
    raw.sendto(written(order), (order["destination"], 0))
