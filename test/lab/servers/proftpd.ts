/**
 * ProFTPD: anonymous logins, data from the port below the control port.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerPath } from '../peers.js';
import { ANONYMOUS, type ServerProgram, type ServerSite } from './server.js';

export const proftpd: ServerProgram = {
  name: 'proftpd',
  login: ANONYMOUS,
  activeFromPort20: true,
  prepare: (site) => {
    const configuration = join(site.folder, 'proftpd.conf');
    writeFileSync(configuration, directives(site));
    const program = peerPath('proftpd-core', 'usr/sbin/proftpd');
    return Promise.resolve([program, '--nodaemon', '--config', configuration]);
  },
};

/** Addresses are given, or it would look up the machine's own name. */
const directives = ({ host, root, folder, settings }: ServerSite): string => `
ServerName lab
ServerType standalone
UseIPv6 on
DefaultAddress ${host.address[4]} ${host.address[6]}
Port ${settings.port}
PassivePorts ${settings.passivePorts.join(' ')}
User nobody
Group nogroup
UseReverseDNS off
WtmpLog off
AuthPAM off
RequireValidShell off
ScoreboardFile ${join(folder, 'scoreboard')}
PidFile ${join(folder, 'pid')}
SystemLog ${join(folder, 'system.log')}
TransferLog ${join(folder, 'transfers.log')}
ExtendedLog ${join(folder, 'commands.log')} ALL
<Anonymous ${root}>
  User nobody
  Group nogroup
  UserAlias anonymous nobody
  <Limit STOR>
    AllowAll
  </Limit>
</Anonymous>
`;
