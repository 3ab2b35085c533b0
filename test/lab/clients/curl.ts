/**
 * curl: every mode, including both extended modes over IPv4.
 *
 * @module
 */
import { urlHost } from '../family.js';
import { MODES, type ClientProgram, type Mode, type Session, type Work } from './client.js';

const MODE_OPTIONS: Readonly<Record<Mode, readonly string[]>> = {
  PASV: ['--disable-epsv'],
  EPSV: [],
  PORT: ['--ftp-port', '-', '--disable-eprt'],
  EPRT: ['--ftp-port', '-'],
};

/** What curl 7.88 occasionally reports about an accepted data connection, instead of using it. */
const ACCEPTED_AMISS = 'sa_addr inet_ntop() failed';

export const curl: ClientProgram = {
  name: 'curl',
  failedByItself: ({ stderr }) => stderr.includes(ACCEPTED_AMISS),
  modes: { 4: MODES, 6: ['EPSV', 'EPRT'] },
  invoke: (session, work) => ({
    command: [
      'curl',
      ...[
        '--silent',
        '--show-error',
        '--globoff',
        '--fail-early',
        '--user',
        `${session.user}:${session.password}`,
      ],
      ...patience(session.patienceSeconds),
      ...MODE_OPTIONS[session.mode],
      ...workOptions(session, work),
    ],
  }),
};

/** Its own limit for an active data connection is a minute, and only `--max-time` shortens that. */
const patience = (seconds: number): string[] => [
  ...['--connect-timeout', String(seconds)],
  ...['--max-time', String(seconds)],
];

function workOptions(session: Session, work: Work): string[] {
  const url = (path: string): string => `ftp://${urlHost(session.address)}:${session.port}/${path}`;
  switch (work.kind) {
    case 'download':
      return ['--remote-name-all', '--output-dir', work.into, ...work.names.map(url)];
    case 'upload':
      return ['--upload-file', work.from, url(work.to)];
    case 'list':
      return [url('')];
  }
}
