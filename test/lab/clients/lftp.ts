/**
 * lftp: the extended modes over IPv6, and EPSV over IPv4 on request.
 *
 * @module
 */
import { urlHost } from '../family.js';
import { isPassive, type ClientProgram, type Session, type Work } from './client.js';

export const lftp: ClientProgram = {
  name: 'lftp',
  modes: { 4: ['PASV', 'EPSV', 'PORT'], 6: ['EPSV', 'EPRT'] },
  invoke: (session, work) => ({
    command: ['lftp', '--norc', '-c', [...settings(session), open(session), ...steps(work)].join('; ')],
  }),
};

const settings = ({ mode, patienceSeconds }: Session): string[] => [
  'set cmd:fail-exit yes',
  'set net:max-retries 1',
  `set net:timeout ${patienceSeconds}`,
  `set net:persist-retries 0`,
  `set ftp:passive-mode ${String(isPassive(mode))}`,
  `set ftp:prefer-epsv ${String(mode === 'EPSV')}`,
  'set ftp:ssl-allow no',
  // lftp sends EPSV over IPv4 only after it has seen it in the reply to FEAT.
  `set ftp:use-feat ${String(mode === 'EPSV')}`,
  'set ftp:fix-pasv-address no',
];

const open = ({ address, port, user, password }: Session): string =>
  `open -u ${user},${password} -p ${port} ftp://${urlHost(address)}`;

function steps(work: Work): string[] {
  switch (work.kind) {
    case 'download':
      return work.names.map((name) => `get -O ${work.into} ${name}`);
    case 'upload':
      return [`put ${work.from} -o ${work.to}`];
    case 'list':
      return ['ls'];
  }
}
