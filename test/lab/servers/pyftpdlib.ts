/**
 * pyftpdlib, a server library in Python; `pyftpdlib-server.py` makes a server of it.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { ANONYMOUS, type ServerProgram } from './server.js';

const SCRIPT = fileURLToPath(new URL('pyftpdlib-server.py', import.meta.url));

export const pyftpdlib: ServerProgram = {
  name: 'pyftpdlib',
  login: ANONYMOUS,
  activeFromPort20: false,
  // Debian's own interpreter, whose packages these are, whatever other Python comes first in the path.
  prepare: ({ root, settings }) =>
    Promise.resolve([
      '/usr/bin/python3',
      SCRIPT,
      root,
      String(settings.port),
      ...settings.passivePorts.map(String),
    ]),
};
