/**
 * Runs damaged captures through everything that `replay` uses, without NAT and as if this host applied NAT.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { CaptureConntrack } from '../../src/cli/capture-conntrack.js';
import { DEFAULT_POLICY } from '../../src/ftp/policy.js';
import { decisionRecord } from '../../src/helper/decision.js';
import { FtpHelper } from '../../src/helper/ftp-helper.js';
import { CaptureReader, type CaptureFrame } from '../../src/capture/capture.js';
import { findIpPacket } from '../../src/capture/link-layer.js';
import { TEST_OPTIONS } from '../helper/dialogue.js';
import { RecordedEvents } from '../helper/fake-conntrack.js';
import { ipAddress } from '../wire/packets.js';
import { CAPTURE_WORDS } from './capture.js';
import { fixtureCaptures } from './fixture-captures.js';
import { FTP_WORDS } from './script.js';
import type { Target } from './target.js';

const PORTS = [21, 2121];
const TRANSLATED = [
  { from: ipAddress('10.1.0.2'), to: ipAddress('203.0.113.7') },
  { from: ipAddress('10.2.0.2'), to: ipAddress('198.51.100.9') },
];

export const replayTarget = (): Target => ({
  name: 'replay',
  corpus: fixtureCaptures().filter(({ length }) => length < 8000),
  words: [...CAPTURE_WORDS, ...FTP_WORDS],
  maxLength: 8192,
  run(input) {
    for (const addresses of [[], TRANSLATED]) {
      const conntrack = new CaptureConntrack(addresses, PORTS);
      const replay = new Replay(conntrack);
      const reader = new CaptureReader();
      const capture = Buffer.from(input);
      for (const item of [reader.feed(capture), reader.end()].flatMap((items) => [...items])) {
        if (item.kind === 'frame') replay.take(item);
      }
      replay.check();
    }
  },
});

class Replay {
  readonly #conntrack: CaptureConntrack;
  readonly #helper: FtpHelper;
  readonly #events = new RecordedEvents();

  constructor(conntrack: CaptureConntrack) {
    this.#conntrack = conntrack;
    const options = {
      ...TEST_OPTIONS,
      ports: PORTS,
      capacity: 16,
      maxConnectionsPerClient: 16,
      maxOutOfOrderTotal: 256 * 1024,
      observing: true,
    };
    this.#helper = new FtpHelper(options, conntrack, this.#events);
  }

  take({ linkType, bytes, start, end, time, number }: CaptureFrame): void {
    const packetAt = findIpPacket(linkType, bytes, start, end);
    if (typeof packetAt !== 'number') return;
    this.#conntrack.putBack(bytes, packetAt, end);
    const verdict = this.#helper.onPacket({ bytes, start: packetAt, end, number }, time);
    assert.equal(verdict.kind, 'accept');
  }

  check(): void {
    const { expected, refused, encrypted, notFtp } = this.#helper.counters;
    const records = this.#events.decisions.map(({ decision, told }) => decisionRecord(decision, told));
    for (const record of records) {
      assert.ok(Number.isFinite(record.time) && JSON.stringify(record).length < 1000);
      if (record.decision === 'expected') assert.ok((record.port ?? 0) >= DEFAULT_POLICY.minPort);
    }
    const expectations = records.filter(({ decision }) => decision === 'expected').length;
    const refusals = records.length - expectations;
    const { releases, withdrawals, rejections } = this.#events;
    assert.deepEqual([expected, refused, encrypted + notFtp], [expectations, refusals, releases.length]);
    assert.deepEqual([withdrawals, rejections], [[], []]);
    this.#helper.expire(Infinity);
    assert.equal(this.#helper.connections, 0);
  }
}
