/**
 * tnftp, the BSDs' ftp, driven by commands on its standard input.
 *
 * @module
 */
import { familyOf } from '../family.js';
import { isPassive, type ClientProgram, type Session, type Work } from './client.js';

export const tnftp: ClientProgram = {
  name: 'tnftp',
  modes: { 4: ['PASV', 'EPSV', 'PORT', 'EPRT'], 6: ['EPSV', 'EPRT'] },
  invoke: (session, work) => ({
    command: ['tnftp', '-n', '-i', '-v', '-q', String(session.patienceSeconds)],
    input: [...opening(session), ...steps(work), 'quit', ''].join('\n'),
  }),
};

const opening = ({ address, port, user, password, mode }: Session): string[] => [
  `passive ${isPassive(mode) ? 'on' : 'off'}`,
  `${familyOf(address) === 4 ? 'epsv4' : 'epsv6'} ${mode === 'EPSV' || mode === 'EPRT' ? 'on' : 'off'}`,
  `open ${address} ${port}`,
  `user ${user} ${password}`,
  'binary',
];

function steps(work: Work): string[] {
  switch (work.kind) {
    case 'download':
      return work.names.map((name) => `get ${name} ${work.into}/${name}`);
    case 'upload':
      return [`put ${work.from} ${work.to}`];
    case 'list':
      return ['dir'];
  }
}
