/** Translated connections: what is expected, what is rewritten, and what the packets look like afterwards. */
import { BlockList } from 'node:net';
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../../src/ftp/policy.js';
import { MAX_WITHHELD, PRESUMED_AFTER } from '../../../src/helper/nat/nat-streams.js';
import { tcpPacket } from '../../wire/packets.js';
import { ACK, FIN, newHelper, tuple } from '../dialogue.js';
import { TranslatedDialogue, type Nat, type Sent } from './translated-dialogue.js';

const SNAT: Nat = {
  client: '10.1.0.2:40000',
  server: '10.2.0.2:21',
  serverSeen: '10.2.0.2:21',
  clientSeen: '198.51.100.20:50000',
};
const DNAT: Nat = {
  client: '203.0.113.9:40000',
  clientSeen: '203.0.113.9:40000',
  server: '10.2.0.200:21',
  serverSeen: '198.51.100.1:21',
};
const SNAT6: Nat = {
  client: '[fd00:1::2]:40000',
  server: '[2001:db8:2::2]:21',
  serverSeen: '[2001:db8:2::2]:21',
  clientSeen: '[2001:db8:ffff::1234]:50000',
};

const NAT_ANNOUNCEMENTS: [string, Nat, (d: TranslatedDialogue) => Sent, string, number][] = [
  ['PORT, longer', SNAT, (d) => d.client('PORT 10,1,0,2,156,64\r\n'), 'PORT 198,51,100,20,156,64\r\n', 5],
  [
    'PORT, equal',
    { ...SNAT, clientSeen: '10.9.0.7:1' },
    (d) => d.client('PORT 10,1,0,2,156,64\r\n'),
    'PORT 10,9,0,7,156,64\r\n',
    0,
  ],
  [
    'PORT, shorter',
    { ...SNAT, clientSeen: '1.2.3.4:1' },
    (d) => d.client('PORT 10,1,0,2,156,64\r\n'),
    'PORT 1,2,3,4,156,64\r\n',
    -1,
  ],
  ['EPRT', SNAT, (d) => d.client('EPRT |1|10.1.0.2|40000|\r\n'), 'EPRT |1|198.51.100.20|40000|\r\n', 5],
  [
    'EPRT over IPv6',
    SNAT6,
    (d) => d.client('EPRT |2|fd00:1::2|40000|\r\n'),
    'EPRT |2|2001:db8:ffff::1234|40000|\r\n',
    10,
  ],
  [
    '227',
    DNAT,
    (d) => {
      d.client('PASV\r\n');
      return d.server('227 Entering Passive Mode (10,2,0,200,156,64).\r\n');
    },
    '227 Entering Passive Mode (198,51,100,1,156,64).\r\n',
    2,
  ],
];

describe('an announcement on a translated connection', () => {
  it.each(NAT_ANNOUNCEMENTS)(
    '%s names the address that the other side must use',
    (_what, nat, announce, text, growth) => {
      const sent = announce(new TranslatedDialogue(nat));
      expect(sent).toMatchObject({ payload: text, sound: true });
      expect(sent.verdict.kind).toBe('replace');
      const value = { offsetBefore: 0, offsetAfter: growth };
      if (growth === 0) expect(sent.adjustment).toBeUndefined();
      else expect(sent.adjustment).toMatchObject({ value });
    },
  );

  it('has its data connection follow the translation of its master', () => {
    const active = new TranslatedDialogue(SNAT);
    active.client('PORT 10,1,0,2,156,64\r\n');
    expect(active.expected[0]).toMatchObject({
      tuple: tuple('10.2.0.2:0 > 198.51.100.20:40000'),
      nat: { direction: 1, tuple: { sourcePort: 40000 } },
    });
    const passive = new TranslatedDialogue(DNAT);
    passive.client('PASV\r\n');
    passive.server('227 (10,2,0,200,156,64)\r\n');
    expect(passive.expected[0]).toMatchObject({
      tuple: tuple('203.0.113.9:0 > 198.51.100.1:40000'),
      nat: { direction: 0, tuple: { sourcePort: 40000 } },
    });
  });

  it('is left as it is where nothing needs changing', () => {
    const dialogue = new TranslatedDialogue(SNAT);
    dialogue.client('EPSV\r\n');
    expect(dialogue.server('229 ok (|||40001|)\r\n').verdict).toEqual({ kind: 'accept' });
    expect(dialogue.expected).toHaveLength(1);
  });

  it('names another port where the announced one is taken, a 229 too', () => {
    const dialogue = new TranslatedDialogue(DNAT);
    const { conntrack } = dialogue.helper;
    conntrack.expecting = ({ tuple: { destinationPort } }) => (destinationPort === 4001 ? 'clash' : 'opened');
    dialogue.client('EPSV\r\n');
    const sent = dialogue.server('229 ok (|||4001|)\r\n');
    const other = conntrack.asked.at(-1)?.tuple.destinationPort;
    expect(other).not.toBe(4001);
    expect(sent).toMatchObject({ payload: `229 ok (|||${other}|)\r\n`, sound: true });
  });

  it('is rewritten among other lines of its segment, and again when that is sent again, cut otherwise', () => {
    const dialogue = new TranslatedDialogue(SNAT);
    const first = dialogue.clientNext;
    const text = 'TYPE I\r\nPORT 10,1,0,2,156,64\r\nLIST\r\n';
    const edited = 'TYPE I\r\nPORT 198,51,100,20,156,64\r\nLIST\r\n';
    expect(dialogue.client(text).payload).toBe(edited);
    const again = dialogue.segment('client', first + 8, text.slice(8));
    expect(again).toMatchObject({ payload: edited.slice(8), sound: true });
    expect(again.adjustment).toBeUndefined();
    expect(dialogue.expected).toHaveLength(1);
  });

  it('adds up over a session', () => {
    const dialogue = new TranslatedDialogue(SNAT);
    for (const growth of [5, 10, 15]) {
      const { adjustment } = dialogue.client('PORT 10,1,0,2,156,64\r\n');
      expect(adjustment).toMatchObject({ value: { offsetBefore: growth - 5, offsetAfter: growth } });
      dialogue.segment('server', dialogue.serverNext, '200 ok\r\n', ACK, dialogue.clientNext + growth);
      dialogue.serverNext += 8;
    }
  });
});

describe('an announcement cut over segments, on a translated connection', () => {
  const line = 'PORT 10,1,0,2,156,64\r\n';

  it.each(Array.from({ length: line.length - 1 }, (_, at) => at + 1))(
    'after %i bytes is rewritten whole',
    (cut) => {
      const dialogue = new TranslatedDialogue(SNAT);
      const first = dialogue.clientNext;
      const one = dialogue.segment('client', first, line.slice(0, cut));
      const other = dialogue.segment('client', first + cut, line.slice(cut));
      // What has not passed is sent again, in one piece, as TCP does.
      const passed = one.verdict.kind === 'drop' ? 0 : one.payload.length;
      expect('PORT 10'.slice(0, cut)).toContain(one.verdict.kind === 'drop' ? '' : one.payload);
      const again =
        other.verdict.kind === 'drop'
          ? dialogue.segment('client', first + passed, line.slice(passed))
          : other;
      const head = passed === 0 ? '' : one.payload;
      expect(head + again.payload).toBe('PORT 198,51,100,20,156,64\r\n');
      expect(dialogue.expected).toHaveLength(1);
    },
  );

  it('does not hold up what comes before it in the segment', () => {
    const dialogue = new TranslatedDialogue(SNAT);
    const sent = dialogue.segment('client', dialogue.clientNext, 'NOOP\r\nPORT 10,1', ACK | FIN);
    expect(sent).toMatchObject({ payload: 'NOOP\r\nPORT ', fin: false, sound: true });
  });

  it('passes as it is when its sender never sends the rest', () => {
    const dialogue = new TranslatedDialogue(SNAT);
    const first = dialogue.clientNext;
    dialogue.client('PORT ');
    for (let time = 0; time < MAX_WITHHELD; time++) {
      expect(dialogue.segment('client', first + 5, '1').verdict).toEqual({ kind: 'drop', cause: 'unknown' });
    }
    expect(dialogue.segment('client', first + 5, '1').verdict).toEqual({ kind: 'accept' });
  });

  it('that is given up is not withheld again where a part of it has passed, and so keeps nothing behind that waiting', () => {
    const dialogue = new TranslatedDialogue(SNAT);
    const first = dialogue.clientNext;
    const send = (offset: number): Sent => dialogue.segment('client', first + offset, line.charAt(offset));
    dialogue.client('PORT ');
    for (let time = 0; time <= MAX_WITHHELD; time++) send(5);
    expect(send(6).verdict.kind).toBe('drop');
    // Lost behind us, and sent again.
    expect(send(5).verdict).toEqual({ kind: 'accept' });
    const kinds = Array.from({ length: MAX_WITHHELD + 1 }, () => send(6).verdict.kind);
    expect(kinds.at(-1)).toBe('accept');
  });
});

describe('an announcement in segments of one byte, of a sender that never puts them together', () => {
  const line = 'PORT 10,1,0,2,156,64\r\n';

  it('goes on whole with the first of its bytes that is sent again', () => {
    const dialogue = new TranslatedDialogue(SNAT);
    const first = dialogue.clientNext;
    const sent = Array.from(line, (byte, at) => dialogue.segment('client', first + at, byte));
    const passed = sent.filter(({ verdict }) => verdict.kind !== 'drop').map(({ payload }) => payload);
    expect(passed.slice(0, 5).join('')).toBe('PORT ');
    const again = dialogue.segment('client', first + 5, '1');
    expect(again).toMatchObject({ payload: '198,51,100,20,156,64', sound: true, sequence: first + 5 });
    // Acknowledged by the receiver's numbers, all of the sender's are.
    const end = dialogue.segment('client', first + 20, '\r\n');
    expect(end).toMatchObject({ payload: '\r\n', verdict: { kind: 'accept' } });
  });
});

describe('a rewrite that cannot be completed', () => {
  const line = 'PORT 10,1,0,2,156,64\r\n';

  /** A first rewrite is on its way and never acknowledged; a second one, from `at` on, has to wait for it. */
  function waiting(): { dialogue: TranslatedDialogue; at: number } {
    const dialogue = new TranslatedDialogue(SNAT);
    dialogue.client(line);
    const { payload } = dialogue.segment('client', dialogue.clientNext, line);
    expect(payload).toBe('PORT ');
    return { dialogue, at: dialogue.clientNext + 5 };
  }

  it('is completed all the same when its sender begins there a third time: what is before it must be acknowledged', () => {
    const { dialogue, at } = waiting();
    for (let time = 0; time < PRESUMED_AFTER; time++) {
      const { verdict } = dialogue.segment('client', at, line.slice(5));
      expect(verdict).toEqual({ kind: 'drop', cause: 'edit-unacknowledged' });
    }
    const sent = dialogue.segment('client', at, line.slice(5));
    expect(sent).toMatchObject({ payload: '198,51,100,20,156,64\r\n', sound: true });
    expect(sent.adjustment).toMatchObject({ value: { offsetBefore: 5, offsetAfter: 10 } });
    expect(dialogue.helper.events.withdrawals).toEqual([]);
  });

  it('is not presumed because the network brings it several times', () => {
    const { dialogue, at } = waiting();
    dialogue.secondsApart = 0.01;
    for (let time = 0; time < MAX_WITHHELD * 2; time++) {
      expect(dialogue.segment('client', at, line.slice(5)).verdict.kind).toBe('drop');
    }
  });

  it('is not presumed while its sender still begins before it', () => {
    const { dialogue, at } = waiting();
    for (let time = 0; time < MAX_WITHHELD * 2; time++) {
      expect(dialogue.segment('client', at, line.slice(5)).verdict.kind).toBe('drop');
      expect(dialogue.segment('client', at - 5 - line.length, line).payload).toContain('198,51,100,20');
    }
  });

  it('is given up if its connection has ended: its expectation is cancelled, and not that of an announcement that was forwarded', () => {
    const { dialogue, at } = waiting();
    const { conntrack, events } = dialogue.helper;
    conntrack.adjusting = () => 'gone';
    const verdicts = Array.from({ length: PRESUMED_AFTER + 1 }, () =>
      dialogue.segment('client', at, line.slice(5)),
    );
    expect(verdicts.at(-1)?.verdict).toEqual({ kind: 'drop', cause: 'gone' });
    expect(events.withdrawals).toEqual([events.decisions[1]?.decision]);
    expect(conntrack.cancelled).toEqual([conntrack.asked[1]]);
    expect(dialogue.helper.counters.withdrawn).toBe(1);
  });
});

describe('a translated connection', () => {
  it('may announce by itself what the other side knows the announcer by', () => {
    const active = new TranslatedDialogue(SNAT);
    expect(active.client('PORT 198,51,100,20,156,64\r\n').verdict).toEqual({ kind: 'accept' });
    const passive = new TranslatedDialogue(DNAT);
    passive.client('PASV\r\n');
    expect(passive.server('227 (198,51,100,1,156,64)\r\n').verdict).toEqual({ kind: 'accept' });
    expect([...active.expected, ...passive.expected]).toMatchObject([
      { nat: { direction: 1 } },
      { nat: { direction: 0 } },
    ]);
  });

  it('that turns to TLS passes its 234', () => {
    const dialogue = new TranslatedDialogue(SNAT);
    dialogue.client('AUTH TLS\r\n');
    expect(dialogue.server('234 go\r\n').verdict).toEqual({ kind: 'accept' });
  });

  it('that an earlier process rewrote goes on from the adjustment in force', () => {
    const original = tuple(`${SNAT.client} > ${SNAT.serverSeen}`);
    const reply = tuple(`${SNAT.server} > ${SNAT.clientSeen}`);
    const inForce = { position: 900, offsetBefore: 5, offsetAfter: 10 };
    const helper = newHelper({ lookup: () => ({ original, reply, id: 1, sequenceAdjustOriginal: inForce }) });
    const payload = 'TYPE I\r\nPORT 10,1,0,2,156,64\r\n';
    const packet = tcpPacket({ source: SNAT.client, destination: SNAT.serverSeen, sequence: 1000, payload });
    const verdict = helper.onPacket({ bytes: packet, start: 0, end: packet.length, number: 1 }, 1);
    expect(verdict.kind).toBe('replace');
    // The first sees whether the kernel can: it sets what is in force.
    expect(helper.conntrack.adjustments.map(({ value }) => value)).toEqual([
      inForce,
      { position: 1013, offsetBefore: 10, offsetAfter: 15 },
    ]);
  });

  it('sends nobody to the announcer who was sent to a third host', () => {
    const allowed = new BlockList();
    allowed.addAddress('10.9.9.9');
    const original = tuple(`${SNAT.client} > ${SNAT.serverSeen}`);
    const reply = tuple(`${SNAT.server} > ${SNAT.clientSeen}`);
    const policy = { ...DEFAULT_POLICY, allowedAddresses: allowed };
    const helper = newHelper({ policy, lookup: () => ({ original, reply, id: 1 }) });
    const payload = 'NOOP\r\nPORT 10,9,9,9,156,64\r\n';
    const packet = tcpPacket({ source: SNAT.client, destination: SNAT.serverSeen, sequence: 1000, payload });
    const verdict = helper.onPacket({ bytes: packet, start: 0, end: packet.length, number: 1 }, 1);
    expect(helper.conntrack.asked).toMatchObject([
      { tuple: tuple('10.2.0.2:0 > 10.9.9.9:40000'), nat: undefined },
    ]);
    expect(verdict).toEqual({ kind: 'accept' });
  });
});

describe('an adjustment that an earlier process left', () => {
  it('withholds what it cannot number for a while only', () => {
    const original = tuple(`${SNAT.client} > ${SNAT.serverSeen}`);
    const reply = tuple(`${SNAT.server} > ${SNAT.clientSeen}`);
    const inForce = { position: 1005, offsetBefore: 0, offsetAfter: 5 };
    const options = {
      lookup: () => ({ original, reply, id: 1, sequenceAdjustOriginal: inForce }),
    };
    const dialogue = new TranslatedDialogue(SNAT, options);
    const kinds = Array.from(
      { length: MAX_WITHHELD + 1 },
      () => dialogue.segment('client', 1003, 'TYPE I\r\n').verdict.kind,
    );
    expect(kinds.at(-1)).not.toBe('drop');
  });
});

describe('a connection of which some packets passed unread', () => {
  it('is read again as soon as its sender begins behind them a third time', () => {
    const dialogue = new TranslatedDialogue(SNAT);
    const first = dialogue.clientNext + 20;
    const segment = (): string => dialogue.segment('client', first, 'NOOP\r\n').verdict.kind;
    expect([segment(), segment(), segment()]).toEqual(['drop', 'drop', 'accept']);
    dialogue.clientNext = first + 6;
    expect(dialogue.client('PORT 10,1,0,2,156,64\r\n').payload).toBe('PORT 198,51,100,20,156,64\r\n');
  });
});

describe('a line that is too long', () => {
  it('is not withheld, for it announces nothing', () => {
    const dialogue = new TranslatedDialogue(SNAT);
    const kinds: string[] = [dialogue.client(`PORT ${'1'.repeat(1000)}`).verdict.kind];
    for (let more = 0; more < 20; more++) kinds.push(dialogue.client('1'.repeat(1000)).verdict.kind);
    // Up to the limit it may still end as an announcement.
    expect(kinds).toEqual(['replace', 'drop', ...Array<string>(19).fill('accept')]);
  });
});

describe('bytes ahead of a hole', () => {
  it('do not pass because more of them come, only because the first of them comes again', () => {
    const dialogue = new TranslatedDialogue(SNAT);
    const first = dialogue.clientNext;
    for (let line = 0; line < MAX_WITHHELD * 2; line++) {
      const ahead = dialogue.segment('client', first + 23 + line * 6, 'NOOP\r\n');
      expect(ahead.verdict).toEqual({ kind: 'drop', cause: 'unknown' });
    }
    const announced = dialogue.segment(
      'client',
      first,
      'PORT 10,1,0,2,156,640\r\n'.replace('640', '64') + ' ',
    );
    expect(announced.payload).toContain('PORT 198,51,100,20,156,64');
  });

  it('wait until it is filled: an announcement may be among them', () => {
    const dialogue = new TranslatedDialogue(SNAT);
    const first = dialogue.clientNext;
    expect(dialogue.segment('client', first + 6, 'PORT 10,1,0,2,156,64\r\n').verdict).toEqual({
      kind: 'drop',
      cause: 'unknown',
    });
    expect(dialogue.segment('client', first, 'NOOP\r\n').verdict).toEqual({ kind: 'accept' });
    expect(dialogue.segment('client', first + 6, 'PORT 10,1,0,2,156,64\r\n').payload).toBe(
      'PORT 198,51,100,20,156,64\r\n',
    );
  });
});
