"""One FTP session: MODE ADDRESS PORT USER PASSWORD FOLDER NAME...

MODE is PASV, PORT, EPRT, or EPSV over IPv6. Lists the top folder four times, fetches the NAMEs, and asks whether the
control connection is still there. FOLDER gets the files, and the listings as "listing-1" to "listing-4". Anything else
than success is an exception. Python's client waits for a data connection until it is there: curl gives it up when the
last reply comes first, as it may where segments are reordered.
"""

import ftplib
import os
import sys

LISTINGS = 4
TIMEOUT_SECONDS = 40


class Client(ftplib.FTP):
    # The address that a 227 announces is what we are here for.
    trust_server_pasv_ipv4_address = True


class ExtendedClient(Client):
    def sendport(self, host, port):
        return self.sendeprt(host, port)


mode, address, port, user, password, folder, *names = sys.argv[1:]
with (ExtendedClient if mode == "EPRT" else Client)(timeout=TIMEOUT_SECONDS) as client:
    client.connect(address, int(port))
    client.login(user, password)
    client.set_pasv(mode in ("PASV", "EPSV"))
    commands = {f"listing-{number}": "LIST" for number in range(1, LISTINGS + 1)}
    commands |= {name: f"RETR {name}" for name in names}
    for name, command in commands.items():
        with open(os.path.join(folder, name), "wb") as file:
            client.retrbinary(command, file.write)
    client.voidcmd("NOOP")
    client.quit()
