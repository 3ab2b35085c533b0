/**
 * Pure-FTPd with one virtual user: its anonymous logins want a user `ftp` in the system's password file.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../command.js';
import { peerPath } from '../peers.js';
import type { Login, ServerProgram } from './server.js';

const LOGIN: Login = { user: 'lab', password: 'lab-password' };
/** Of the password above, by crypt(5)'s sha256crypt: its own hashing takes seconds, on purpose. */
const PASSWORD_HASH = '$5$laboratory$THw/rl3WnAAnNd8TqogrbxmiYAgRWfWA/4Pu6fUHdU2';
/** Debian's nobody and nogroup. */
const NOBODY = 65_534;

/** Pure-FTPd with `extra` options beside the usual ones. */
export const pureFtpdWith = (...extra: readonly string[]): ServerProgram => ({
  name: 'pure-ftpd',
  login: LOGIN,
  activeFromPort20: true,
  prepare: async ({ folder, root, settings }) => {
    const passwords = join(folder, 'passwords');
    const database = join(folder, 'passwords.pdb');
    const user = [LOGIN.user, PASSWORD_HASH, NOBODY, NOBODY, '', `${root}/./`, ...Array<string>(11).fill('')];
    writeFileSync(passwords, `${user.join(':')}\n`);
    await runChecked([peerPath('pure-ftpd', 'usr/bin/pure-pw'), 'mkdb', database, '-f', passwords]);
    return [
      peerPath('pure-ftpd', 'usr/sbin/pure-ftpd'),
      ...['--bind', String(settings.port)],
      ...['--passiveportrange', settings.passivePorts.join(':')],
      ...['--login', `puredb:${database}`],
      ...['--noanonymous', '--chrooteveryone', '--dontresolve', '--minuid', '1'],
      ...['--pidfile', join(folder, 'pid'), '--altlog', `clf:${join(folder, 'transfers.log')}`],
      ...extra,
    ];
  },
});

export const pureFtpd = pureFtpdWith();
