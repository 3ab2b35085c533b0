/** When the kernel refuses a request, for whatever reason, the packet is forwarded and the log reports it without a stack. */
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { PacketHandler, type QueuedBatch } from '../../src/daemon/packet-handler.js';
import { PacketLog } from '../../src/daemon/packet-log.js';
import { NetlinkRejected, SystemCallError } from '../../src/errors.js';
import type { FtpHelper } from '../../src/helper/ftp-helper.js';
import { Dialogue, HelperUnderTest, TEST_OPTIONS } from '../helper/dialogue.js';
import { FakeConntrack, lookupByPort } from '../helper/fake-conntrack.js';
import { tcpPacket } from '../wire/packets.js';

const NOW = 1000;
const ANNOUNCEMENT = 'PORT 10,1,0,2,156,64\r\n';

interface Read {
  readonly log: unknown[];
  readonly handler: PacketHandler;
  readonly helper: FtpHelper;
  readonly dropped: boolean;
}

/** Reads an announcement after a login. From then on every request to the kernel fails. */
function announce(failure: Error, knowsConnection: boolean): Read {
  const lines: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => lines.push(line) });
  const log = new PacketLog({ logger, linesPerSecond: 100, now: () => NOW });
  const conntrack = new FakeConntrack(knowsConnection ? lookupByPort() : fail);
  const helper = new HelperUnderTest(TEST_OPTIONS, conntrack, log);
  const dialogue = new Dialogue(helper);
  if (knowsConnection) dialogue.login();
  conntrack.expecting = fail;
  const handler = new PacketHandler({ helper, log, now: () => NOW });
  const bytes = tcpPacket({
    source: '10.1.0.2:40000',
    destination: '10.2.0.2:21',
    sequence: dialogue.clientNext >>> 0,
    acknowledgment: 1,
    flags: 0x10,
    payload: ANNOUNCEMENT,
  });
  let dropped = false;
  const queue: QueuedBatch = {
    bytes,
    start: () => 0,
    end: () => bytes.length,
    packetId: () => 1,
    replace: () => true,
    drop: () => {
      dropped = true;
    },
  };
  handler.onBatch(queue, 1);
  return { log: lines.map((line) => JSON.parse(line) as unknown), handler, helper, dropped };

  function fail(): never {
    throw failure;
  }
}

const REFUSALS = [
  { failure: new NetlinkRejected('create an expectation', 22, 'EINVAL'), errno: 'EINVAL' },
  { failure: new NetlinkRejected('create an expectation', 1, 'EPERM'), errno: 'EPERM' },
  { failure: new SystemCallError('receive the answer', 105, 'ENOBUFS'), errno: 'ENOBUFS' },
];

describe.each(REFUSALS)('the kernel answers $errno', ({ failure, errno }) => {
  it('to an expectation: the announcement is refused and forwarded', () => {
    const { log, handler, helper, dropped } = announce(failure, true);
    expect(log).toMatchObject([
      { event: 'pinhole-failed', errno },
      { event: 'decision', announcement: 'PORT', decision: 'refused', reason: 'kernel-refused' },
    ]);
    expect(dropped).toBe(false);
    expect(handler.defects).toBe(0);
    expect(helper.counters).toMatchObject({ expected: 0, refused: 1 });
  });

  it('to the lookup of the connection: the packet is forwarded unread, and that is no defect', () => {
    const { log, handler, dropped } = announce(failure, false);
    expect(log).toMatchObject([{ event: 'unread', errno }]);
    expect(JSON.stringify(log)).not.toContain('stack');
    expect(dropped).toBe(false);
    expect(handler.defects).toBe(0);
  });
});

it('a bug of ours is logged with its stack, and the packet is forwarded', () => {
  const { log, handler, dropped } = announce(new TypeError('ours'), true);
  expect(log).toMatchObject([{ event: 'defect', err: { message: 'ours' } }]);
  expect(dropped).toBe(false);
  expect(handler.defects).toBe(1);
});
