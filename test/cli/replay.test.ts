/** `replay`: what it prints for captures, good and bad. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { LINK_TYPES } from '../../src/capture/link-layer.js';
import { TCP_FLAGS } from '../../src/wire/tcp.js';
import { pcapFile } from '../capture/captures.js';
import { tcpPacket } from '../wire/packets.js';
import { conntrackFtp } from './command-line.js';

const folder = mkdtempSync(path.join(tmpdir(), 'conntrack-ftp-replay-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function fileOf(name: string, bytes: Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

const CLIENT = '10.1.0.2:40000';
const SERVER = '10.2.0.2:21';
const ANNOUNCEMENT = 'PORT 10,1,0,2,156,64\r\n';
const fromServer = { source: SERVER, destination: CLIENT };
const fromClient = { source: CLIENT, destination: SERVER };

const packets = [
  tcpPacket({ ...fromServer, sequence: 100, acknowledgment: 501, flags: TCP_FLAGS.syn | TCP_FLAGS.ack }),
  tcpPacket({ ...fromServer, sequence: 101, acknowledgment: 501, payload: '220 ready\r\n' }),
  tcpPacket({ ...fromClient, sequence: 501, acknowledgment: 112, payload: ANNOUNCEMENT }),
  tcpPacket({
    ...fromClient,
    sequence: 501 + ANNOUNCEMENT.length,
    acknowledgment: 112,
    payload: 'PORT 9,9,9,9,4,0\r\n',
  }),
];
const frames = packets.map((bytes, at) => ({ time: 1_763_802_651.123456 + at, bytes }));
const capture = pcapFile(frames, { linkType: LINK_TYPES.raw });

/** After the PORT, a PASV whose 227 announces `endpoint`. */
function passive(endpoint: string, words = 'Entering Passive Mode'): Buffer {
  const asked = 501 + ANNOUNCEMENT.length;
  const session = [
    ...packets.slice(0, 3),
    tcpPacket({ ...fromServer, sequence: 112, acknowledgment: asked, payload: '200 ok\r\n' }),
    tcpPacket({ ...fromClient, sequence: asked, acknowledgment: 120, payload: 'PASV\r\n' }),
    tcpPacket({
      ...fromServer,
      sequence: 120,
      acknowledgment: asked + 6,
      payload: `227 ${words} (${endpoint}).\r\n`,
    }),
  ];
  return pcapFile(
    session.map((bytes, at) => ({ time: 1_763_802_651 + at, bytes })),
    { linkType: LINK_TYPES.raw },
  );
}

const EXPECTED = {
  packet: 3,
  time: 1_763_802_653.123456,
  client: '10.1.0.2',
  clientPort: 40000,
  server: '10.2.0.2',
  serverPort: 21,
  announcement: 'PORT',
  address: '10.1.0.2',
  port: 40000,
  decision: 'expected',
};
const REFUSED = {
  ...EXPECTED,
  packet: 4,
  time: 1_763_802_654.123456,
  address: '9.9.9.9',
  port: 1024,
  decision: 'refused',
  reason: 'address-mismatch',
};
const recordsOf = (stdout: string): unknown[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));

describe('replay', () => {
  it('prints one record per line, with fields in the documented order', () => {
    const { code, stdout } = conntrackFtp(['replay', '--json', fileOf('good.pcap', capture)]);
    expect(recordsOf(stdout)).toEqual([EXPECTED, REFUSED]);
    expect(stdout.split('\n').slice(0, 2)).toEqual([JSON.stringify(EXPECTED), JSON.stringify(REFUSED)]);
    expect(code).toBe(0);
  });

  it('reads standard input', () => {
    const { code, stdout, stderr } = conntrackFtp(['replay', '--json', '-'], capture);
    expect(recordsOf(stdout)).toEqual([EXPECTED, REFUSED]);
    expect(stderr).toContain('standard input: 4 packets, 1 control connections, 1 expected, 1 refused');
    expect(code).toBe(0);
  });

  it('prints readable lines, and names the file if there are several', () => {
    const file = fileOf('people.pcap', capture);
    const { stdout } = conntrackFtp(['replay', file, file]);
    expect(stdout.split('\n')).toHaveLength(5);
    expect(stdout).toContain(`${file}       3  10.1.0.2:40000 > 10.2.0.2:21  PORT 10.1.0.2:40000  expected`);
    expect(stdout).toContain('PORT 9.9.9.9:1024  refused, address-mismatch: The announced address');
  });

  it('applies the policy options', () => {
    const { stdout } = conntrackFtp(['replay', '--json', '--allow-address', '9.0.0.0/8', '-'], capture);
    expect(recordsOf(stdout).map((record) => (record as typeof EXPECTED).decision)).toEqual([
      'expected',
      'expected',
    ]);
    expect(conntrackFtp(['replay', '--json', '--ports', '2121', '-'], capture).stdout).toBe('');
  });

  it('shows the rewritten endpoint of a host that does NAT', () => {
    const translate = ['--translate', '10.1.0.2=203.0.113.7', '--translate', '10.2.0.2=10.9.0.2'];
    const { stdout } = conntrackFtp(['replay', '--json', ...translate, '-'], passive('10,9,0,2,78,32'));
    expect(recordsOf(stdout)).toMatchObject([
      { announcement: 'PORT', decision: 'expected', rewrittenAddress: '203.0.113.7', rewrittenPort: 40_000 },
      { announcement: '227', decision: 'expected', rewrittenAddress: '10.2.0.2', rewrittenPort: 20_000 },
    ]);
    const lines = conntrackFtp(['replay', ...translate, '-'], passive('10,9,0,2,78,32')).stdout;
    expect(lines).toContain('PORT 10.1.0.2:40000  expected, rewritten to 203.0.113.7:40000\n');
    expect(lines).toContain('227 10.9.0.2:20000  expected, rewritten to 10.2.0.2:20000\n');
  });

  it('shows the public endpoint of a server behind the NAT of another host', () => {
    const known = ['--announce-address', '203.0.113.17=10.2.0.2'];
    const { stdout } = conntrackFtp(['replay', '--json', ...known, '-'], passive('10,2,0,2,78,32'));
    expect(recordsOf(stdout)[1]).toMatchObject({ decision: 'expected', rewrittenAddress: '203.0.113.17' });
    const curt = conntrackFtp(['replay', '--json', ...known, '-'], passive('10,2,0,2,78,32', 'ok'));
    expect(recordsOf(curt.stdout)[1]).toMatchObject({
      decision: 'refused',
      reason: 'no-sequence-adjustment',
    });
    expect(curt.stderr).toContain('1 expected, 1 refused');
  });

  it('reports packets that the snap length truncated, and reads the rest', () => {
    const cut = frames.map((frame) => ({
      ...frame,
      bytes: frame.bytes.subarray(0, 48),
      originalLength: frame.bytes.length,
    }));
    const { code, stdout, stderr } = conntrackFtp(
      ['replay', '--json', '-'],
      pcapFile(cut, { linkType: LINK_TYPES.raw }),
    );
    expect(stdout).toBe('');
    expect(stderr).toMatch(/3 packets are truncated by the snap length/);
    expect(code).toBe(0);
  });
});

describe('a capture that cannot be read exits with 1 and a sentence', () => {
  it.each<[string, string, RegExp]>([
    ['that does not exist', path.join(folder, 'none.pcap'), /cannot read .*none\.pcap: ENOENT/],
    ['that is a folder', folder, /cannot read .*: EISDIR/],
    ['that is empty', fileOf('empty.pcap', Buffer.alloc(0)), /the file is empty/],
    [
      'that is text',
      fileOf('text.pcap', Buffer.from('220 ready\r\n')),
      /the file is neither pcap nor pcapng/,
    ],
    [
      'that is compressed',
      fileOf('good.pcap.gz', gzipSync(capture)),
      /the file is compressed; decompress it first/,
    ],
  ])('%s', (_what, file, sentence) => {
    const { code, stdout, stderr } = conntrackFtp(['replay', '--json', file]);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  it('that is truncated, after the decisions of its complete frames', () => {
    const { code, stdout, stderr } = conntrackFtp(['replay', '--json', '-'], capture.subarray(0, -3));
    expect(recordsOf(stdout)).toEqual([EXPECTED]);
    expect(stderr).toMatch(/standard input: the file ends in the middle of a frame \(at byte \d+\)/);
    expect(code).toBe(1);
  });
});
