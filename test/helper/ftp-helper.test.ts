/** The helper as a whole: packets of real shape in, what is expected, refused and released. */
import { describe, expect, it } from 'vitest';
import { CONNTRACK_STATUS } from '../../src/wire/conntrack.js';
import { invertTuple } from '../../src/wire/tuple.js';
import { tcpPacket } from '../wire/packets.js';
import { ACK, Dialogue, FIN, IPV6, newHelper, RST, SYN, tuple, withPolicy } from './dialogue.js';

describe('an announcement', () => {
  it.each([
    ['PORT', (d: Dialogue) => d.client('PORT 10,1,0,2,156,64\r\n'), '10.2.0.2:0 > 10.1.0.2:40000'],
    ['EPRT', (d: Dialogue) => d.client('EPRT |1|10.1.0.2|40000|\r\n'), '10.2.0.2:0 > 10.1.0.2:40000'],
    [
      '227',
      (d: Dialogue) => d.client('PASV\r\n').server('227 Entering (10,2,0,2,156,64).\r\n'),
      '10.1.0.2:0 > 10.2.0.2:40000',
    ],
    [
      '229',
      (d: Dialogue) => d.client('EPSV\r\n').server('229 ok (|||40000|)\r\n'),
      '10.1.0.2:0 > 10.2.0.2:40000',
    ],
  ])(
    '%s is expected from the peer that will connect, to the announced endpoint',
    (_kind, announce, wanted) => {
      const dialogue = announce(new Dialogue(newHelper()).login());
      expect(dialogue.helper.expectedTuples).toEqual([wanted]);
      expect(dialogue.helper.conntrack.asked[0]).toMatchObject({
        master: tuple('10.1.0.2:40000 > 10.2.0.2:21'),
        nat: undefined,
      });
    },
  );

  it('is read over IPv6', () => {
    const dialogue = new Dialogue(newHelper(), IPV6).login();
    dialogue.client('EPRT |2|2001:db8:1::2|40000|\r\n').server('200 ok\r\n');
    dialogue.client('EPSV\r\n').server('229 ok (|||40001|)\r\n');
    expect(dialogue.helper.expectedTuples).toEqual([
      '[2001:db8:2::2]:0 > [2001:db8:1::2]:40000',
      '[2001:db8:1::2]:0 > [2001:db8:2::2]:40001',
    ]);
  });

  it('is dated, and numbered by the packet that completes its line', () => {
    const dialogue = new Dialogue(newHelper()).login();
    dialogue.client('PORT 10,1,0,').client('2,156,64\r').client('\n');
    expect(dialogue.decisions).toEqual([
      {
        packet: 9,
        time: 1000.009,
        client: '10.1.0.2',
        clientPort: 40000,
        server: '10.2.0.2',
        serverPort: 21,
        announcement: 'PORT',
        address: '10.1.0.2',
        port: 40000,
        decision: 'expected',
      },
    ]);
  });

  it('needs no packet of its own: several in one segment are all read', () => {
    const dialogue = new Dialogue(newHelper()).login();
    dialogue.client('TYPE I\r\nPORT 10,1,0,2,156,64\r\nPORT 10,1,0,2,156,65\r\n');
    expect(dialogue.summary).toEqual(['PORT 10.1.0.2:40000 expected', 'PORT 10.1.0.2:40001 expected']);
  });

  it('is expected once, however often its segment is sent', () => {
    const dialogue = new Dialogue(newHelper()).login();
    const { clientNext } = dialogue;
    dialogue.client('PORT 10,1,0,2,156,64\r\n').segment('client', clientNext, 'PORT 10,1,0,2,156,64\r\n');
    dialogue.segment('client', clientNext, 'PORT 10,1,0,2,156,99\r\n');
    expect(dialogue.summary).toEqual(['PORT 10.1.0.2:40000 expected']);
  });

  it('is read when its segments come in the wrong order', () => {
    const dialogue = new Dialogue(newHelper()).login();
    const { clientNext } = dialogue;
    dialogue.segment('client', clientNext + 5, '10,1,0,2,156,64\r\n').segment('client', clientNext, 'PORT ');
    expect(dialogue.summary).toEqual(['PORT 10.1.0.2:40000 expected']);
  });

  it('comes with the source port that active data connections must have', () => {
    const dialogue = new Dialogue(withPolicy({ activeSourcePort: 20 })).login();
    dialogue.client('PORT 10,1,0,2,156,64\r\n').server('200 ok\r\n');
    dialogue.client('PASV\r\n').server('227 (10,2,0,2,156,64)\r\n');
    expect(dialogue.helper.expectedTuples).toEqual([
      '10.2.0.2:20 > 10.1.0.2:40000',
      '10.1.0.2:0 > 10.2.0.2:40000',
    ]);
  });
});

describe('a refusal', () => {
  it.each([
    ['address-mismatch', 'PORT 10,9,9,9,156,64\r\n'],
    ['privileged-port', 'PORT 10,1,0,2,0,22\r\n'],
    ['malformed', 'PORT 10,1,0,2\r\n'],
    ['bare-line-feed', 'CWD leet\nPORT 10,1,0,2,156,64\r\n'],
    ['family-mismatch', 'EPRT |2|2001:db8::1|40000|\r\n'],
  ])('%s expects nothing and lets the packet pass', (reason, line) => {
    const dialogue = new Dialogue(newHelper()).login().client(line);
    expect(dialogue.decisions.map((record) => record.reason)).toEqual([reason]);
    expect(dialogue.helper.expectedTuples).toEqual([]);
  });

  it('of a reply nobody asked for', () => {
    const dialogue = new Dialogue(newHelper()).login().server('227 (10,2,0,2,156,64)\r\n');
    expect(dialogue.summary).toEqual(['227 10.2.0.2:40000 refused unsolicited-reply']);
  });
});

describe('what passes unread', () => {
  it.each<[string, (d: Dialogue) => Dialogue, string]>([
    [
      'a fragment',
      (d) =>
        d.packet(tcpPacket({ source: d.parties.client, destination: d.parties.server, moreFragments: true })),
      'unreadable',
    ],
    ['bytes that are no packet', (d) => d.packet(Buffer.from('hello')), 'unreadable'],
    [
      'a packet to another port',
      (d) => d.packet(tcpPacket({ source: '10.1.0.2:1', destination: '10.2.0.2:22' })),
      'otherConnections',
    ],
  ])('%s is counted and causes nothing', (_what, send, counter) => {
    const helper = newHelper({
      lookup: (seen) => ({ original: seen, reply: invertTuple(seen), id: 0 }),
    });
    const dialogue = send(new Dialogue(helper));
    expect(dialogue.decisions).toEqual([]);
    expect({ ...helper.counters, ...helper.limitCounters }).toMatchObject({ packets: 1, [counter]: 1 });
  });

  it('a connection that conntrack does not know', () => {
    const helper = newHelper({ lookup: () => undefined });
    expect(new Dialogue(helper).login().client('PORT 10,1,0,2,156,64\r\n').decisions).toEqual([]);
    expect(helper.connections).toBe(0);
  });
});

describe('a connection', () => {
  it('that turns to TLS is released once and never read again', () => {
    const helper = newHelper();
    const dialogue = new Dialogue(helper).login().client('AUTH TLS\r\n').server('234 go\r\n');
    dialogue.client('PORT 10,1,0,2,156,64\r\n');
    const connection = tuple('10.1.0.2:40000 > 10.2.0.2:21');
    expect(helper.events.releases).toEqual([{ connection, cause: 'encrypted' }]);
    expect(helper.conntrack.released).toEqual([connection]);
    expect(dialogue.decisions).toEqual([]);
    expect(helper.counters.encrypted).toBe(1);
  });

  it('that is no FTP is released, and opens nothing', () => {
    const dialogue = new Dialogue(newHelper()).open();
    dialogue.client('POST / HTTP/1.1\r\nPORT 10,1,0,2,156,64\r\n\r\n');
    expect(dialogue.helper.events.releases).toMatchObject([{ cause: 'not-ftp' }]);
    expect(dialogue.helper.expectedTuples).toEqual([]);
  });

  it('is picked up in the middle: in step after the next line end, both ways', () => {
    const helper = newHelper();
    const dialogue = new Dialogue(helper);
    dialogue.client('0,2,156,1\r\n').server('200 ok\r\n').client('PORT 10,1,0,2,156,64\r\n');
    expect(dialogue.summary).toEqual(['PORT 10.1.0.2:40000 expected']);
    expect(helper.counters).toMatchObject({ midStream: 1, connections: 0 });
  });

  it('goes on after bytes that were lost to us but not to the receiver', () => {
    const dialogue = new Dialogue(newHelper()).login();
    dialogue.clientNext += 100; // these went by another way
    dialogue
      .server('200 ok\r\n')
      .client('TYPE I\r\n')
      .server('200 ok\r\n')
      .client('PORT 10,1,0,2,156,64\r\n');
    expect(dialogue.summary).toEqual(['PORT 10.1.0.2:40000 expected']);
  });

  it('ends at a reset with the right number, and not at one with another', () => {
    const helper = newHelper();
    const dialogue = new Dialogue(helper).login();
    dialogue.segment('client', dialogue.clientNext + 5, '', RST);
    expect(helper.connections).toBe(1);
    dialogue.segment('client', dialogue.clientNext, '', RST);
    expect(helper.connections).toBe(0);
  });

  it('has no line after its FIN', () => {
    const dialogue = new Dialogue(newHelper()).login();
    dialogue.segment('client', dialogue.clientNext, 'QUIT\r\n', FIN | ACK);
    dialogue.segment('client', dialogue.clientNext + 7, 'PORT 10,1,0,2,156,64\r\n');
    expect(dialogue.decisions).toEqual([]);
  });

  it('is one connection from SYN to SYN-ACK, retransmitted or not, and another after a new SYN', () => {
    const helper = newHelper();
    const dialogue = new Dialogue(helper);
    const isn = dialogue.clientNext - 1;
    dialogue.segment('client', isn, '', SYN, 0).open().segment('client', isn, '', SYN, 0).open();
    dialogue.server('220 ready\r\n').client('NOOP\r\n');
    expect(helper.counters.connections).toBe(1);
    dialogue.segment('client', isn + 77_777, '', SYN, 0);
    expect(helper.counters.connections).toBe(2);
    expect(helper.connections).toBe(1);
  });

  it('is not begun again by a SYN-ACK within it, which could put its reader into the middle of a line', () => {
    const original = tuple('10.1.0.2:40000 > 10.2.0.2:21');
    const helper = newHelper({ lookup: () => ({ original, reply: invertTuple(original), id: 1 }) });
    const dialogue = new Dialogue(helper).login();
    dialogue.segment('server', 77, '', SYN | ACK, dialogue.clientNext + 9);
    dialogue.server('200 ok\r\n').client('RETR aaaaPORT 10,1,0,2,156,64\r\n');
    expect(dialogue.decisions).toEqual([]);
    expect(helper.counters.connections).toBe(1);
  });

  it.each([
    ['as the first that is seen of it', (d: Dialogue) => d],
    [
      'behind a line of the server, with its numbers',
      (d: Dialogue) => d.segment('server', d.serverNext, 'x'),
    ],
  ])('that is under way is not begun by a SYN-ACK %s', (_when, before) => {
    const original = tuple('10.1.0.2:40000 > 10.2.0.2:21');
    const status = CONNTRACK_STATUS.seenReply | CONNTRACK_STATUS.assured;
    const helper = newHelper({ lookup: () => ({ original, reply: invertTuple(original), id: 1, status }) });
    const dialogue = before(new Dialogue(helper));
    // By its numbers the client's next line would begin at the PORT in it.
    dialogue.segment('server', dialogue.serverNext - 1, '', SYN | ACK, dialogue.clientNext + 9);
    dialogue.server('220 ready\r\n').client('RETR aaaaPORT 10,1,0,2,156,64\r\n');
    expect(dialogue.decisions).toEqual([]);
    dialogue.server('550 no\r\n').client('PORT 10,1,0,2,156,65\r\n');
    expect(dialogue.summary).toEqual(['PORT 10.1.0.2:40001 expected']);
    expect(helper.counters).toMatchObject({ connections: 0, midStream: 1 });
  });

  it('is forgotten when conntrack says so, unless a later one has its tuples', () => {
    const helper = newHelper();
    new Dialogue(helper).login();
    const original = tuple('10.1.0.2:40000 > 10.2.0.2:21');
    helper.onConnectionEnded({ original, reply: invertTuple(original), id: 6 });
    expect(helper.connections).toBe(1);
    helper.onConnectionEnded({ original, reply: invertTuple(original), id: 7 });
    expect(helper.connections).toBe(0);
    helper.onConnectionEnded({ original, reply: invertTuple(original), id: 7 });
  });

  it('is forgotten when it has been silent for long, or when a newer one needs its place', () => {
    const helper = newHelper({ capacity: 2 });
    const clients = ['10.1.0.2:40000', '10.1.0.2:40001', '10.1.0.2:40002'];
    const dialogues = clients.map((client) => new Dialogue(helper, { client, server: '10.2.0.2:21' }));
    for (const [at, dialogue] of dialogues.entries()) {
      dialogue.now = 1000 + at * 100;
      dialogue.login();
    }
    expect(helper.connections).toBe(2);
    helper.expire(1150);
    expect(helper.connections).toBe(1);
    dialogues[2]?.client('PORT 10,1,0,2,156,64\r\n');
    expect(dialogues[2]?.summary).toEqual(['PORT 10.1.0.2:40000 expected']);
  });
});
