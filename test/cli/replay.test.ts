/** `replay`: what it prints for captures, good and bad. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { LINK_TYPES } from '../../src/wire/link-layer.js';
import { TCP_FLAGS } from '../../src/wire/tcp.js';
import { pcapFile } from '../wire/captures.js';
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
  it('prints a record a line, in the documented order of fields', () => {
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

  it('prints lines for people, and names the files where there are several', () => {
    const file = fileOf('people.pcap', capture);
    const { stdout } = conntrackFtp(['replay', file, file]);
    expect(stdout.split('\n')).toHaveLength(5);
    expect(stdout).toContain(`${file}       3  10.1.0.2:40000 > 10.2.0.2:21  PORT 10.1.0.2:40000  expected`);
    expect(stdout).toContain('PORT 9.9.9.9:1024  refused (address-mismatch)');
  });

  it('obeys the policy options', () => {
    const { stdout } = conntrackFtp(['replay', '--json', '--allow-address', '9.0.0.0/8', '-'], capture);
    expect(recordsOf(stdout).map((record) => (record as typeof EXPECTED).decision)).toEqual([
      'expected',
      'expected',
    ]);
    expect(conntrackFtp(['replay', '--json', '--ports', '2121', '-'], capture).stdout).toBe('');
  });

  it('tells of packets that the snap length cut, and reads what is there', () => {
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
    expect(stderr).toMatch(/3 packets are cut by the capture's snap length/);
    expect(code).toBe(0);
  });
});

describe('a capture that cannot be read ends with 1 and a sentence', () => {
  it.each<[string, string, RegExp]>([
    ['that is not there', path.join(folder, 'none.pcap'), /cannot read .*none\.pcap: ENOENT/],
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

  it('that is truncated, after the decisions of its whole frames', () => {
    const { code, stdout, stderr } = conntrackFtp(['replay', '--json', '-'], capture.subarray(0, -3));
    expect(recordsOf(stdout)).toEqual([EXPECTED]);
    expect(stderr).toMatch(/standard input: the file ends in the middle of a frame \(at byte \d+\)/);
    expect(code).toBe(1);
  });
});
