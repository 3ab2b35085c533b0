/**
 * A host whose files and environment are against FTP sessions: what an installed server, a hardened system or a user's own
 * settings may hold, and worse. It is a mount namespace; the real files stay as they are.
 *
 * @module
 */
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from '../../lab/command.js';

/** Nothing of the lab has this address. */
const NOWHERE = '192.0.2.1:9';
const ACCOUNTS = ['root', 'daemon', 'nobody', 'ftp', 'anonymous', 'lab'] as const;
const DENYING_PAM = ['auth', 'account', 'session', 'password']
  .map((type) => `${type} required pam_deny.so\n`)
  .join('');

const ETC: Readonly<Record<string, string>> = {
  // Debian's vsftpd and proftpd-core write this one.
  ftpusers: ACCOUNTS.map((name) => `${name}\n`).join(''),
  shells: '',
  'hosts.allow': '',
  'hosts.deny': 'ALL: ALL\n',
  // proftpd refuses all clients while it is there.
  shutmsg: '2000 1 1 0 0 9999 9999 closed\n',
  services: 'ftp-data 9/tcp\nftp 9/tcp\n',
  'nsswitch.conf': 'passwd: nothing\ngroup: nothing\nhosts: nothing\nservices: nothing\n',
  'vsftpd.conf': 'listen=YES\nanonymous_enable=NO\n',
  'proftpd/proftpd.conf': '<Limit LOGIN>\n  DenyAll\n</Limit>\n',
  'pure-ftpd/conf/NoAnonymous': 'yes\n',
  'lftp.conf': `set ftp:proxy http://${NOWHERE}\n`,
  'ncftp.firewall': `firewall-type=1\nfirewall-host=192.0.2.1\nfirewall-port=9\n`,
  ...Object.fromEntries(
    ['vsftpd', 'proftpd', 'pure-ftpd', 'ftp', 'other'].map((name) => [`pam.d/${name}`, DENYING_PAM]),
  ),
};

const HOME: Readonly<Record<string, string>> = {
  '.netrc': 'default login nobody password wrong\nmacdef init\nquit\n\n',
  '.curlrc': `proxy = http://${NOWHERE}\n`,
  '.lftprc': `set ftp:proxy http://${NOWHERE}\n`,
  '.lftp/rc': `set ftp:proxy http://${NOWHERE}\n`,
  '.ncftp/firewall': 'firewall-type=1\nfirewall-host=192.0.2.1\nfirewall-port=9\n',
};

/** The accounts that the servers use, locked away. */
const withoutAccounts = (text: string): string => text.replaceAll(/^(daemon|nobody|ftp):.*\n/gm, '');

export interface HostileHost {
  /** Runs the command behind it on this host. */
  readonly launcher: Command;
  readonly environment: Readonly<Record<string, string>>;
}

/** Makes its files in `folder`, an empty one. */
export function makeHostileHost(folder: string): HostileHost {
  const [etc, home, temporary] = ['etc', 'home', 'tmp'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  cpSync('/etc', etc, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(etc, 'passwd'), withoutAccounts(readFileSync('/etc/passwd', 'utf8')));
  writeFiles(etc, ETC);
  writeFiles(home, HOME);
  chmodSync(join(home, '.netrc'), 0o600);
  mkdirSync(temporary, { mode: 0o700 });
  const mounts = 'mount --bind "$0" /etc && mount -t tmpfs tmpfs /run && umask 077 && exec "$@"';
  return {
    launcher: ['unshare', '--mount', 'sh', '-c', mounts, etc],
    environment: {
      ...{ PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: temporary, XDG_CONFIG_HOME: home },
      ...{ LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', LANGUAGE: 'de' },
      ...{ ftp_proxy: `http://${NOWHERE}`, http_proxy: `http://${NOWHERE}`, all_proxy: `http://${NOWHERE}` },
      ...{ FTPMODE: 'active', FTPSERVER: '192.0.2.1', FTPSERVERPORT: '9', NETRC: join(home, '.netrc') },
    },
  };
}

function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}
