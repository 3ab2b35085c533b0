/**
 * The cases of `test/e2e/cases`, as far as the helper gets to see them, without a kernel; and what comes of those segments
 * that conntrack holds back, where it does not (`nf_conntrack_checksum`, `nf_conntrack_tcp_be_liberal`).
 */
import { describe, expect, it } from 'vitest';
import { CONNTRACK_STATUS } from '../../src/wire/conntrack.js';
import { TCP_FLAGS } from '../../src/wire/tcp.js';
import { invertTuple } from '../../src/wire/tuple.js';
import { client, fateOf, OK, type Case, type SegmentStep } from '../e2e/cases/case.js';
import { EVASIONS } from '../e2e/cases/evasion.js';
import { FLOOR } from '../e2e/cases/floor.js';
import { scriptOf, segmentOf } from '../e2e/cases/script.js';
import { tcpPacket } from '../wire/packets.js';
import { Dialogue, IPV4, IPV6, newHelper, tuple } from './dialogue.js';

const { syn, ack } = TCP_FLAGS;
const LAST_PORT = 'PORT 10,1,0,2,156,66\r\n';

const hasInvalid = ({ steps }: Case): boolean => steps.some((step) => fateOf(step) === 'invalid');

/** What conntrack or the IP layer holds back; what ends for its TTL does so behind the queue. */
const isHeldBack = ({ fate, fragments }: SegmentStep): boolean =>
  fate === 'invalid' || (fate === 'lost' && fragments !== undefined);

const isSyn = ({ flags = ack }: SegmentStep): boolean => (flags & (syn | ack)) === syn;

/** Plays what the rules queue of a case: from the server's first segment on, without SYNs, until it is marked as done. */
function play(each: Case, screened: boolean): Dialogue {
  const parties = each.family === 6 ? IPV6 : IPV4;
  const original = tuple(`${parties.client} > ${parties.server}`);
  const connection = { original, reply: invertTuple(original), id: 1, status: 0 };
  const dialogue = new Dialogue(newHelper({ lookup: () => connection }), parties);
  let answered = false;
  for (const { step, progress } of scriptOf(each)) {
    if (step.kind === 'restart') {
      dialogue.helper.onConnectionEnded(connection);
      connection.status = CONNTRACK_STATUS.assured;
    }
    if (step.kind !== 'segment') continue;
    if (dialogue.helper.events.releases.length > 0) break;
    answered ||= step.from === 'server';
    if (!answered || isSyn(step) || (screened && isHeldBack(step))) continue;
    const { sequence, acknowledgment, flags, payload, urgentPointer = 0 } = segmentOf(step, progress);
    const [source, destination] =
      step.from === 'client' ? [parties.client, parties.server] : [parties.server, parties.client];
    const segment = { sequence, acknowledgment, flags, payload, urgentPointer };
    dialogue.packet(tcpPacket({ source, destination, ...segment }));
  }
  return dialogue;
}

describe('of the cases', () => {
  it.each([...FLOOR, ...EVASIONS])('$name', (each) => {
    const { decisions } = play(each, true);
    const expected = decisions.filter(({ decision }) => decision === 'expected');
    expect(expected.map(({ port }) => port)).toEqual(each.opens);
    expect(decisions.flatMap(({ reason }) => reason ?? [])).toEqual(each.refuses);
  });
});

describe('where conntrack lets invalid segments pass', () => {
  it.each(EVASIONS.filter(hasInvalid))(
    '$name: one of the announcements is read, and what follows is',
    (each) => {
      const last: Case = { ...each, steps: [...each.steps, client(LAST_PORT), OK] };
      const { decisions } = play(last, false);
      const ports = decisions.map(({ decision, port }) => (decision === 'expected' ? port : decision));
      expect([
        [40_000, 40_002],
        [40_001, 40_002],
      ]).toContainEqual(ports);
    },
  );
});
