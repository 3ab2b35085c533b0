"""Joins two interfaces as a bad cable would: NEAR FAR CONTROL-PORT SEED LOSS.

Frames go on between NEAR and FAR. TCP segments are lost, LOSS of them, delayed past later ones and duplicated, by chance of SEED; all
else (neighbour discovery) passes at once. A SYN may be lost, but is never late: one that comes after its connection has
ended makes conntrack, with any helper and with none, forget that connection for a new one, and call invalid what the
ends of the old one still have to say. Prints "forwarding" when it begins. SIGTERM ends it, and it prints what it did
as one line of JSON: for segments of connections from or to CONTROL-PORT, and for those of all others; and how many frames
it could not take in time.
"""

import heapq
import json
import random
import select
import signal
import socket
import struct
import sys
import time

DUPLICATION = 0.05
DELAYED = 0.25
DELAY_SECONDS = (0.002, 0.040)

ETH_P_ALL = 3
ETH_P_IP = 0x0800
ETH_P_IPV6 = 0x86DD
ETHERNET_HEADER = 14
SYN = 0x02
ACK = 0x10
# linux/if_packet.h
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_STATISTICS = 6
PACKET_IGNORE_OUTGOING = 23
PACKET_MR_PROMISC = 1
LONGEST_FRAME = 65_536
# asm-generic/socket.h
SO_RCVBUFFORCE = 33
# A busy machine may leave us waiting for a second.
RECEIVE_BUFFER = 64 * 1024 * 1024


def attach(interface):
    """A socket of all frames that `interface` receives, whomever they are for, and none that we send there."""
    # Without a protocol it receives nothing yet: not even for a moment what other interfaces do.
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    link.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    membership = struct.pack("iHH8s", socket.if_nametoindex(interface), PACKET_MR_PROMISC, 0, b"")
    link.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)
    link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    link.bind((interface, ETH_P_ALL))
    return link


def overruns(link):
    """Frames that found the receive buffer full: lost by us, not by chance."""
    _, drops = struct.unpack("II", link.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    return drops


def read_segment(frame):
    """Addresses and ports of a TCP segment in their order, and its flags; None for any other frame. Its headers are as
    our hosts write them."""
    (kind,) = struct.unpack_from("!H", frame, ETHERNET_HEADER - 2)
    if kind == ETH_P_IP and frame[ETHERNET_HEADER + 9] == socket.IPPROTO_TCP:
        addresses = frame[ETHERNET_HEADER + 12 : ETHERNET_HEADER + 20]
        tcp = ETHERNET_HEADER + 4 * (frame[ETHERNET_HEADER] & 0x0F)
    elif kind == ETH_P_IPV6 and frame[ETHERNET_HEADER + 6] == socket.IPPROTO_TCP:
        tcp = ETHERNET_HEADER + 40
        addresses = frame[ETHERNET_HEADER + 8 : tcp]
    else:
        return None
    return (addresses, struct.unpack_from("!HH", frame, tcp)), frame[tcp + 13]


class Link:
    def __init__(self, control_port, seed, loss):
        self.control_port = control_port
        self.loss = loss
        self.chance = random.Random(seed)
        # What is delayed: (due, number, flow, out, frame). No two have the same number and due time.
        self.held = []
        self.received = 0
        # The number of the latest frame that went on, by flow.
        self.latest = {}
        self.counts = {
            kind: dict.fromkeys(("segments", "lost", "duplicated", "overtaken"), 0) for kind in ("control", "data")
        }

    def receive(self, frame, out, now):
        """Takes a frame that shall go on to `out`."""
        segment = read_segment(frame)
        if segment is None:
            out.send(frame)
            return
        flow, flags = segment
        self.received += 1
        self.count(flow, "segments")
        if self.chance.random() < self.loss:
            self.count(flow, "lost")
            return
        if flags & (SYN | ACK) == SYN:
            self.send(self.received, flow, out, frame)
            return
        self.pass_or_hold(flow, out, frame, now)
        if self.chance.random() < DUPLICATION:
            self.count(flow, "duplicated")
            self.hold(flow, out, frame, now)

    def pass_or_hold(self, flow, out, frame, now):
        if self.chance.random() < DELAYED:
            self.hold(flow, out, frame, now)
        else:
            self.send(self.received, flow, out, frame)

    def hold(self, flow, out, frame, now):
        due = now + self.chance.uniform(*DELAY_SECONDS)
        heapq.heappush(self.held, (due, self.received, flow, out, frame))

    def release(self, now):
        """Sends what is due; answers for how many seconds nothing else will be, None for ever."""
        while self.held and self.held[0][0] <= now:
            _, number, flow, out, frame = heapq.heappop(self.held)
            self.send(number, flow, out, frame)
        return self.held[0][0] - now if self.held else None

    def send(self, number, flow, out, frame):
        if number < self.latest.get(flow, 0):
            self.count(flow, "overtaken")
        else:
            self.latest[flow] = number
        out.send(frame)

    def count(self, flow, what):
        kind = "control" if self.control_port in flow[1] else "data"
        self.counts[kind][what] += 1


def forward(link, near, far):
    other = {near: far, far: near}
    while True:
        patience = link.release(time.monotonic())
        readable, _, _ = select.select([near, far], [], [], patience)
        for source in readable:
            link.receive(source.recv(LONGEST_FRAME), other[source], time.monotonic())


def main():
    near, far, control_port, seed, loss = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    link = Link(int(control_port), seed, float(loss))
    ends = attach(near), attach(far)
    print("forwarding", flush=True)
    try:
        forward(link, *ends)
    finally:
        print(json.dumps(link.counts | {"overruns": sum(map(overruns, ends))}))


main()
