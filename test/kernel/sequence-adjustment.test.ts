/**
 * Compares the kernel's sequence adjustment on a NATed connection with the model that the tests of `StreamEdits`
 * use.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sequenceAdd } from '../../src/tcp/sequence.js';
import type { SequenceAdjustment } from '../../src/wire/seqadj.js';
import { TCP_FLAGS } from '../../src/wire/tcp.js';
import { FAMILIES } from '../lab/family.js';
import { restoreRules } from '../lab/firewall.js';
import { Laboratory } from '../lab/laboratory.js';
import { buildTopology } from '../lab/topology.js';
import { acknowledged, forwarded } from '../helper/nat/kernel-adjustment.js';
import { Agent } from './agent.js';
import { BARE, RawConnection, type DirectedSegment, type Direction } from './raw-connection.js';
import { RawTcp, type Segment } from './raw-tcp.js';

const PORT = 21;
/** Connections to this port also get NAT, but no helper, and so no room for an adjustment. */
const PLAIN_PORT = 2121;
const RULES = `*raw
-A PREROUTING -p tcp --dport ${PORT} -j CT --helper sane
COMMIT
*nat
-A POSTROUTING -o outside -j MASQUERADE
COMMIT
`;
const { syn, psh, ack } = TCP_FLAGS;
const CLIENT_ISN = 0xffff_ff00;
const SERVER_ISN = 5000;

const SYN_ACK: DirectedSegment = {
  ...{ ...BARE, direction: 'reply', flags: syn | ack },
  ...{ sequence: SERVER_ISN, acknowledgment: CLIENT_ISN + 1 },
};
const FIRST_ACK: DirectedSegment = {
  ...{ ...BARE, direction: 'original', flags: ack },
  ...{ sequence: CLIENT_ISN + 1, acknowledgment: SERVER_ISN + 1 },
};

type Adjustments = Readonly<Record<Direction, SequenceAdjustment>>;
const DIRECTIONS: readonly Direction[] = ['original', 'reply'];
const opposite = (direction: Direction): Direction => (direction === 'original' ? 'reply' : 'original');

/** The segment that arrives, according to the model. The edges of SACK blocks are adjusted like acknowledgments. */
function modelled(adjustments: Adjustments, { direction, ...segment }: DirectedSegment): Segment {
  const opposing = adjustments[opposite(direction)];
  return {
    ...segment,
    sequence: forwarded(adjustments[direction], segment.sequence),
    acknowledgment: acknowledged(opposing, segment.acknowledgment),
    sack: segment.sack.map(([start, end]) => [acknowledged(opposing, start), acknowledged(opposing, end)]),
  };
}

/** A number's distance from an adjustment's position, or from that position as the other side sees it. */
interface Place {
  readonly distance: number;
  readonly beyond: 'position' | 'offsetBefore' | 'offsetAfter';
}

/** A segment relative to adjustments that are not yet chosen. */
interface Plan {
  readonly direction: Direction;
  readonly sequence: Place;
  readonly acknowledgment: Place;
  readonly sack: readonly (readonly [Place, Place])[];
  readonly payload: string;
}

function numberAt(adjustment: SequenceAdjustment, { distance, beyond }: Place): number {
  const shift = beyond === 'position' ? 0 : adjustment[beyond];
  return sequenceAdd(adjustment.position, distance + shift);
}

function applied(adjustments: Adjustments, plan: Plan): DirectedSegment {
  const { direction, payload } = plan;
  const opposing = adjustments[opposite(direction)];
  return {
    direction,
    payload,
    flags: payload === '' ? ack : ack | psh,
    sequence: numberAt(adjustments[direction], plan.sequence),
    acknowledgment: numberAt(opposing, plan.acknowledgment),
    sack: plan.sack.map(([start, end]) => [numberAt(opposing, start), numberAt(opposing, end)]),
  };
}

const offset = fc.integer({ min: -200, max: 200 });
const anyAdjustment: fc.Arbitrary<SequenceAdjustment> = fc.record({
  // Besides arbitrary numbers, those near which differences wrap or change sign.
  position: fc.oneof(
    fc.integer({ min: 0, max: 0xffff_ffff }),
    fc.integer({ min: -300, max: 300 }).map((number) => number >>> 0),
    fc.integer({ min: 0x7fff_ff00, max: 0x8000_0100 }),
  ),
  offsetBefore: offset,
  offsetAfter: offset,
});
const anyPlace: fc.Arbitrary<Place> = fc.record({
  distance: fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: -2, max: 2 }) },
    { weight: 3, arbitrary: fc.integer({ min: -500, max: 500 }) },
    // Numbers 2^31 apart are neither before nor after each other: offsets must not lead there.
    { weight: 1, arbitrary: fc.integer({ min: -0x7fff_f000, max: 0x7fff_f000 }) },
  ),
  beyond: fc.constantFrom<Place['beyond']>('position', 'offsetBefore', 'offsetAfter'),
});
const anyPlan: fc.Arbitrary<Plan> = fc.record({
  direction: fc.constantFrom(...DIRECTIONS),
  sequence: anyPlace,
  acknowledgment: anyPlace,
  sack: fc.array(fc.tuple(anyPlace, anyPlace), { maxLength: 4 }),
  payload: fc.constantFrom('', 'x', 'PORT 10,1,0,2,4,1\r\n'),
});

describe.each(FAMILIES)('the sequence adjustment of the kernel, IPv%d,', (family) => {
  const laboratory = new Laboratory();
  let agent: Agent;
  let client: RawTcp;
  let server: RawTcp;
  beforeAll(async () => {
    const topology = await buildTopology(laboratory, 'gateway');
    await restoreRules(topology.firewall, RULES);
    // Segments outside the window would be INVALID, and NAT does not apply to INVALID packets.
    await topology.firewall.setParameters({ 'net.netfilter.nf_conntrack_tcp_be_liberal': '1' });
    agent = await Agent.start(topology.firewall);
    client = await RawTcp.start(topology.client.namespace, topology.client.address[family]);
    server = await RawTcp.start(topology.server.namespace, topology.server.address[family]);
  });
  afterAll(async () => {
    await agent.stop();
    await laboratory.close();
  });

  /** Every test uses its own client port. */
  const begin = async (clientPort: number, serverPort = PORT): Promise<RawConnection> =>
    RawConnection.begin(client, server, { client: clientPort, server: serverPort }, CLIENT_ISN);

  const establish = async (clientPort: number, serverPort = PORT): Promise<RawConnection> => {
    const connection = await begin(clientPort, serverPort);
    await connection.pass([SYN_ACK]);
    await connection.pass([FIRST_ACK]);
    return connection;
  };

  const adjust = async (connection: RawConnection, adjustments: Adjustments): Promise<readonly string[]> =>
    Promise.all(
      DIRECTIONS.map((direction) =>
        agent.ask('adjustSequence', connection.original, direction, adjustments[direction]),
      ),
    );

  it('matches the model for sequence numbers, acknowledgments and SACK blocks, and reads back unchanged', async () => {
    const connection = await establish(4001);
    const anyPlans = fc.array(anyPlan, { minLength: 6, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(anyAdjustment, anyAdjustment, anyPlans, async (original, reply, plans) => {
        const adjustments = { original, reply };
        expect(await adjust(connection, adjustments)).toEqual(['adjusted', 'adjusted']);
        const found = await agent.ask('findEntry', connection.original);
        expect(found).toMatchObject({ sequenceAdjustOriginal: original, sequenceAdjustReply: reply });

        const segments = plans.map((plan) => applied(adjustments, plan));
        const expected = segments.map((segment) => modelled(adjustments, segment));
        const arrivals = await connection.pass(segments);
        expect(arrivals).toMatchObject(expected.map((segment) => ({ ...segment, checksumRight: true })));
      }),
      // If segments get lost, every shrinking attempt waits for them.
      { numRuns: 150, interruptAfterTimeLimit: 30_000 },
    );
  });

  it('applies after the position, not at it, and to acknowledgments less the offset before', async () => {
    const connection = await establish(4002);
    const position = 0xffff_ffff;
    const adjustment = { position, offsetBefore: 3, offsetAfter: 10 };
    await adjust(connection, { original: adjustment, reply: adjustment });
    const forth = [
      { sent: position - 1, arrives: 1 },
      { sent: position, arrives: 2 },
      { sent: 0, arrives: 10 },
      { sent: 1, arrives: 11 },
    ];
    const back = [
      { sent: 1, arrives: position - 1 },
      { sent: 2, arrives: position },
      // Lower than the previous one: an acknowledgment inside the inserted bytes maps to before the position.
      { sent: 3, arrives: position - 6 },
      { sent: 10, arrives: 0 },
      { sent: 11, arrives: 1 },
    ];
    for (const direction of DIRECTIONS) {
      const bare = { ...BARE, direction, flags: ack, sequence: position, acknowledgment: 2 };
      const numbered = forth.map(({ sent }) => ({ ...bare, sequence: sent }));
      expect(await connection.pass(numbered)).toMatchObject(
        forth.map(({ arrives }) => ({ sequence: arrives, acknowledgment: position })),
      );
      const acknowledging = back.map(({ sent }) => ({ ...bare, acknowledgment: sent }));
      expect(await connection.pass(acknowledging)).toMatchObject(
        back.map(({ arrives }) => ({ sequence: 2, acknowledgment: arrives })),
      );
    }
  });

  it('applies from the SYN on, and leaves the acknowledgment field alone without the ACK flag', async () => {
    const connection = await begin(4003);
    const original = { position: CLIENT_ISN, offsetBefore: 5, offsetAfter: 9 };
    const reply = { position: SERVER_ISN, offsetBefore: 0, offsetAfter: -7 };
    expect(await adjust(connection, { original, reply })).toEqual(['adjusted', 'adjusted']);
    const again = { ...FIRST_ACK, flags: syn, sequence: CLIENT_ISN, acknowledgment: 12_345 };
    expect(await connection.pass([again])).toMatchObject([
      { sequence: CLIENT_ISN + 5, acknowledgment: 12_345 },
    ]);
    expect(await connection.pass([SYN_ACK])).toMatchObject([
      { sequence: SERVER_ISN, acknowledgment: CLIENT_ISN + 1 - 5 },
    ]);
    expect(await connection.pass([FIRST_ACK])).toMatchObject([
      { sequence: CLIENT_ISN + 1 + 9, acknowledgment: SERVER_ISN + 1 + 7 },
    ]);
  });

  it('has no room on a NATed connection without a helper, whose numbers stay unchanged', async () => {
    const connection = await establish(4004, PLAIN_PORT);
    expect(connection.translated.address).not.toBe(client.address);
    const adjustment = { position: 100, offsetBefore: 20, offsetAfter: 30 };
    expect(await adjust(connection, { original: adjustment, reply: adjustment })).toEqual([
      'no-room',
      'no-room',
    ]);
    for (const direction of DIRECTIONS) {
      const segment = {
        ...{ flags: ack | psh, sequence: 101, acknowledgment: 101, payload: 'x' },
        sack: [[200, 300]] as const,
      };
      expect(await connection.pass([{ ...segment, direction }])).toMatchObject([segment]);
    }
  });
});
