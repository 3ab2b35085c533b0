"""Serves FOLDER to anonymous users, with uploads: FOLDER PORT FIRST-PASSIVE-PORT LAST-PASSIVE-PORT."""

import sys
import warnings

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

folder, port, first_passive, last_passive = sys.argv[1], *map(int, sys.argv[2:])

# It warns that anonymous users may write; here they shall.
warnings.filterwarnings("ignore", category=RuntimeWarning)
authorizer = DummyAuthorizer()
authorizer.add_anonymous(folder, perm="elrw")

FTPHandler.authorizer = authorizer
FTPHandler.passive_ports = range(first_passive, last_passive + 1)

# "::" takes IPv4 too.
FTPServer(("::", port), FTPHandler).serve_forever()
