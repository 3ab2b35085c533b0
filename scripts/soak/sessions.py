"""FTP sessions without end: SESSIONS PORT USER PASSWORD NAME ADDRESS...

Each session is a thread: it logs in at one of the ADDRESSes, lists and fetches NAME by turns, in one of the modes, with a pause
after each, and begins anew after some transfers. Prints, every ten seconds, a line of JSON about these ten seconds:
transfers that arrived whole, those that did not with what was said of them, and how long a NOOP took. SIGTERM ends it.
"""

import ftplib
import json
import random
import signal
import statistics
import sys
import threading
import time

TRANSFERS_OF_A_SESSION = (5, 40)
PAUSE_SECONDS = (0.5, 3.0)
TIMEOUT_SECONDS = 60
REPORT_SECONDS = 10


class Client(ftplib.FTP):
    # The address that a 227 announces is what we are here for.
    trust_server_pasv_ipv4_address = True


class ExtendedClient(Client):
    def sendport(self, host, port):
        return self.sendeprt(host, port)


class Report:
    """What all threads have seen since the last line."""

    def __init__(self):
        self.lock = threading.Lock()
        self.clear()

    def clear(self):
        self.transfers = 0
        self.failures = []
        self.milliseconds = []

    def line(self):
        with self.lock:
            delays = sorted(self.milliseconds) or [0]
            facts = {
                "transfers": self.transfers,
                "failures": self.failures,
                "medianMs": round(statistics.median(delays), 1),
                "p99Ms": round(delays[int(len(delays) * 0.99)], 1),
            }
            self.clear()
        return json.dumps(facts)


def transfer(client, name):
    """Answers how many bytes came; a listing of nothing would be none."""
    sizes = []
    client.retrbinary(f"RETR {name}" if random.random() < 0.5 else "LIST", lambda chunk: sizes.append(len(chunk)))
    return sum(sizes)


def session(address, doing):
    """What it is doing, and from which port, is the last of `doing`."""
    extended = ":" in address or random.random() < 0.5
    passive = random.random() < 0.5
    with (ExtendedClient if extended else Client)(timeout=TIMEOUT_SECONDS) as client:
        doing.append(f"connecting to {address}")
        client.connect(address, int(port))
        own = f"{client.sock.getsockname()[1]}, {'passive' if passive else 'active'}, {address}"
        doing.append(f"{own}: logging in")
        client.login(user, password)
        client.set_pasv(passive)
        for number in range(random.randint(*TRANSFERS_OF_A_SESSION)):
            doing.append(f"{own}: transfer {number}")
            if transfer(client, name) == 0:
                raise EOFError("nothing came")
            doing.append(f"{own}: NOOP {number}")
            began = time.monotonic()
            client.voidcmd("NOOP")
            took = (time.monotonic() - began) * 1000
            with report.lock:
                report.transfers += 1
                report.milliseconds.append(took)
            if stopping.wait(random.uniform(*PAUSE_SECONDS)):
                return
        client.quit()


def sessions():
    while not stopping.is_set():
        doing = []
        try:
            session(random.choice(addresses), doing)
        except Exception as error:  # Whatever it is, it is what the report is for.
            with report.lock:
                report.failures.append(f"{doing[-1]}: {type(error).__name__}: {error}")


count, port, user, password, name, *addresses = sys.argv[1:]
report = Report()
stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())
threads = [threading.Thread(target=sessions, daemon=True) for _ in range(int(count))]
for thread in threads:
    thread.start()
    time.sleep(0.02)
while not stopping.wait(REPORT_SECONDS):
    print(report.line(), flush=True)
