/** What the kernel refuses to the daemon, whatever its reason: the packet goes on, and the log says so without a trace. */
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { Daemon, type QueuedBatch } from '../../src/daemon/packet-handler.js';
import { PacketLog } from '../../src/daemon/packet-log.js';
import { NetlinkRejected, SystemCallError } from '../../src/errors.js';
import type { FtpHelper } from '../../src/helper/ftp-helper.js';
import { Dialogue, newHelper } from '../helper/dialogue.js';
import { tcpPacket } from '../wire/packets.js';

const NOW = 1000;
const ANNOUNCEMENT = 'PORT 10,1,0,2,156,64\r\n';

/** A kernel that fails whenever it is asked, and a queue of one packet that keeps its verdict. */
function announce(
  helper: FtpHelper,
  failure: Error,
  sequence: number,
): { log: unknown[]; daemon: Daemon; dropped: boolean } {
  const lines: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => lines.push(line) });
  const fail = (): never => {
    throw failure;
  };
  const daemon = new Daemon({
    helper,
    opener: { open: fail, close: fail },
    table: { setMark: fail, adjustSequence: fail },
    log: new PacketLog({ logger, linesPerSecond: 100, now: () => NOW }),
    doneMark: 1,
    now: () => NOW,
  });
  const parties = { source: '10.1.0.2:40000', destination: '10.2.0.2:21' };
  const bytes = tcpPacket({
    ...parties,
    sequence: sequence >>> 0,
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
  daemon.onBatch(queue, 1);
  return { log: lines.map((line) => JSON.parse(line) as unknown), daemon, dropped };
}

const REFUSALS = [
  { failure: new NetlinkRejected('create an expectation', 22, 'EINVAL'), errno: 'EINVAL' },
  { failure: new NetlinkRejected('create an expectation', 1, 'EPERM'), errno: 'EPERM' },
  { failure: new SystemCallError('receive the answer', 105, 'ENOBUFS'), errno: 'ENOBUFS' },
];

describe.each(REFUSALS)('the kernel answers $errno', ({ failure, errno }) => {
  it('to an expectation: the announcement is refused and passes', () => {
    const helper = newHelper();
    const dialogue = new Dialogue(helper).login();
    const { log, daemon, dropped } = announce(helper, failure, dialogue.clientNext);
    expect(log).toMatchObject([
      { event: 'pinhole-failed', errno },
      { event: 'decision', announcement: 'PORT', decision: 'refused', reason: 'kernel-refused' },
    ]);
    expect(dropped).toBe(false);
    expect(daemon.defects).toBe(0);
    expect(helper.counters).toMatchObject({ expected: 0, refused: 1 });
  });

  it('to the question whose packet it is: it passes unread, which is no defect', () => {
    const helper = newHelper({
      lookup: () => {
        throw failure;
      },
    });
    const { log, daemon, dropped } = announce(helper, failure, 7);
    expect(log).toMatchObject([{ event: 'unread', errno }]);
    expect(JSON.stringify(log)).not.toContain('stack');
    expect(dropped).toBe(false);
    expect(daemon.defects).toBe(0);
  });
});

it('a defect of ours is told with its trace, and the packet passes', () => {
  const helper = newHelper();
  const dialogue = new Dialogue(helper).login();
  const { log, daemon, dropped } = announce(helper, new TypeError('ours'), dialogue.clientNext);
  expect(log).toMatchObject([{ event: 'defect', err: { message: 'ours' } }]);
  expect(dropped).toBe(false);
  expect(daemon.defects).toBe(1);
});
