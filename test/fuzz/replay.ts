/**
 * Runs damaged captures through everything that `replay` uses, without NAT and as if this host applied NAT.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { CaptureTranslation } from '../../src/cli/capture-translation.js';
import { DEFAULT_POLICY } from '../../src/ftp/policy.js';
import { decisionRecord } from '../../src/helper/decision.js';
import { FtpHelper } from '../../src/helper/ftp-helper.js';
import { CaptureReader, type CaptureFrame } from '../../src/capture/capture.js';
import { findIpPacket } from '../../src/capture/link-layer.js';
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
      const translation = new CaptureTranslation(addresses, PORTS);
      const replay = new Replay(translation);
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
  readonly #translation: CaptureTranslation;
  readonly #helper: FtpHelper;
  readonly #seen = { expect: 0, refuse: 0, release: 0 };

  constructor(translation: CaptureTranslation) {
    this.#translation = translation;
    this.#helper = new FtpHelper({
      policy: DEFAULT_POLICY,
      ports: PORTS,
      lookup: translation.lookup,
      capacity: 16,
      maxConnectionsPerClient: 16,
      seed: 0,
      maxOutOfOrderTotal: 256 * 1024,
    });
  }

  take({ linkType, bytes, start, end, time, number }: CaptureFrame): void {
    const packetAt = findIpPacket(linkType, bytes, start, end);
    if (typeof packetAt !== 'number') return;
    this.#translation.putBack(bytes, packetAt, end);
    for (const effect of this.#helper.onPacket(bytes, packetAt, end, time, number)) {
      this.#seen[effect.kind]++;
      if (effect.kind === 'release') continue;
      const record = decisionRecord(effect.decision);
      assert.equal(record.decision, effect.kind === 'expect' ? 'expected' : 'refused');
      assert.ok(Number.isFinite(record.time) && JSON.stringify(record).length < 1000);
      if (effect.kind === 'expect') assert.ok((record.port ?? 0) >= DEFAULT_POLICY.minPort);
    }
  }

  check(): void {
    const { expected, refused, encrypted, notFtp } = this.#helper.counters;
    const { expect, refuse, release } = this.#seen;
    assert.deepEqual([expected, refused, encrypted + notFtp], [expect, refuse, release]);
    this.#helper.expire(Infinity);
    assert.equal(this.#helper.connections, 0);
  }
}
