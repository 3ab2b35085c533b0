/**
 * NcFTP's ncftpget, ncftpput and ncftpls: IPv4 and its two original modes only.
 *
 * @module
 */
import type { Command } from '../command.js';
import { isPassive, type ClientProgram, type Session, type Work } from './client.js';

export const ncftp: ClientProgram = {
  name: 'ncftp',
  modes: { 4: ['PASV', 'PORT'], 6: [] },
  invoke: (session, work) => ({ command: commandFor(session, work) }),
};

function commandFor(session: Session, work: Work): Command {
  const { address } = session;
  switch (work.kind) {
    case 'download':
      return ['ncftpget', ...options(session), '-Z', address, work.into, ...work.names];
    case 'upload':
      return ['ncftpput', ...options(session), '-Z', '-C', address, work.from, work.to];
    case 'list':
      // Its short form is a column layout that not every server's NLST answers.
      return ['ncftpls', '-l', ...options(session), `ftp://${address}:${session.port}/`];
  }
}

const options = ({ port, user, password, mode, patienceSeconds }: Session): string[] => [
  ...['-P', String(port), '-u', user, '-p', password],
  ...['-t', String(patienceSeconds), '-r', '1', isPassive(mode) ? '-F' : '-E'],
];
