"""One FTPS session: ADDRESS PORT USER PASSWORD COMMANDS. Turns the control connection to TLS, says NOOP as often as COMMANDS
says, lists the top folder over a data connection of TLS, and prints how many names it has."""

import ftplib
import ssl
import sys

address, port, user, password, commands = sys.argv[1:]
# The certificate is the laboratory's own.
context = ssl._create_unverified_context()
with ftplib.FTP_TLS(context=context, timeout=20) as client:
    client.connect(address, int(port))
    client.login(user, password)
    for _ in range(int(commands)):
        client.voidcmd("NOOP")
    client.prot_p()
    print(len(client.nlst()))
    client.quit()
