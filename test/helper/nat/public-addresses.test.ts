/** A server whose address is translated by another host: what its 227 goes on as, in as many bytes. */
import { describe, expect, it } from 'vitest';
import { tuple } from '../dialogue.js';
import { TranslatedDialogue, type Nat } from './translated-dialogue.js';

/** Nobody on this host translates; clients know the server as 198.51.100.17. */
const CLOUD: Nat = {
  client: '203.0.113.9:40000',
  clientSeen: '203.0.113.9:40000',
  server: '10.0.0.5:21',
  serverSeen: '10.0.0.5:21',
};
const address = (text: string): Uint8Array => tuple(`${text}:1 > ${text}:1`).source;

describe('a server that another host translates', () => {
  const known = (name: string, inside?: string): TranslatedDialogue => {
    const pair = { public: address(name), private: inside === undefined ? undefined : address(inside) };
    const dialogue = new TranslatedDialogue(CLOUD, { publicAddresses: [pair] });
    dialogue.helper.conntrack.adjusting = () => 'no-room';
    dialogue.client('PASV\r\n');
    return dialogue;
  };

  it.each<[string, string, string, string]>([
    [
      'longer',
      '198.51.100.17',
      '227 Entering Passive Mode (10,0,0,5,156,64).\r\n',
      '227 Entering Passive (198,51,100,17,156,64).\r\n',
    ],
    [
      'shorter',
      '1.2.3.4',
      '227 Entering Passive Mode (10,0,0,5,156,64).\r\n',
      '227 Entering Passive Mode  (1,2,3,4,156,64).\r\n',
    ],
    [
      'of equal length',
      '10.0.0.6',
      '227 Entering Passive Mode (10,0,0,5,156,64).\r\n',
      '227 Entering Passive Mode (10,0,0,6,156,64).\r\n',
    ],
    ['without words, shorter', '1.2.3.4', '227 =10,0,0,5,156,64\r\n', '227  =1,2,3,4,156,64\r\n'],
    [
      'after a digit in its words',
      '198.51.100.17',
      '227 Mode 2 of passive (10,0,0,5,156,64)\r\n',
      '227 Mode 2 of pa (198,51,100,17,156,64)\r\n',
    ],
  ])('has its 227 name what clients know it by, in as many bytes: %s', (_what, name, said, heard) => {
    const dialogue = known(name);
    const sent = dialogue.server(said);
    expect(sent).toMatchObject({ payload: heard, sound: true });
    expect(sent.adjustment).toBeUndefined();
    expect(sent.payload).toHaveLength(said.length);
    expect(dialogue.expected).toMatchObject([
      { tuple: tuple('203.0.113.9:0 > 10.0.0.5:40000'), nat: undefined },
    ]);
  });

  it('has its 227 rewritten whole where it comes in pieces', () => {
    const said = '227 Entering Passive Mode (10,0,0,5,156,64).\r\n';
    for (let cut = 1; cut < said.length; cut++) {
      const dialogue = known('198.51.100.17');
      const first = dialogue.serverNext;
      const one = dialogue.segment('server', first, said.slice(0, cut));
      const passed = one.verdict.kind === 'drop' ? '' : one.payload;
      dialogue.segment('server', first + cut, said.slice(cut));
      const rest = dialogue.segment('server', first + passed.length, said.slice(passed.length));
      expect(passed + rest.payload).toBe('227 Entering Passive (198,51,100,17,156,64).\r\n');
    }
  });

  it('may say itself what clients know it by', () => {
    const dialogue = known('198.51.100.17', '10.0.0.5');
    const sent = dialogue.server('227 Entering Passive Mode (198,51,100,17,156,64).\r\n');
    expect(sent.verdict).toEqual({ kind: 'accept' });
    expect(dialogue.expected).toMatchObject([{ tuple: tuple('203.0.113.9:0 > 10.0.0.5:40000') }]);
  });

  it('is left as it is at another private address than the configured one', () => {
    const dialogue = known('198.51.100.17', '10.0.0.6');
    expect(dialogue.server('227 (10,0,0,5,156,64)\r\n').verdict).toEqual({ kind: 'accept' });
    expect(dialogue.expected).toHaveLength(1);
  });

  it('cannot be rewritten where the words are too few', () => {
    const dialogue = new TranslatedDialogue(CLOUD, {
      publicAddresses: [{ public: address('198.51.100.17'), private: undefined }],
    });
    dialogue.helper.conntrack.adjusting = () => 'no-room';
    dialogue.client('PASV\r\n');
    dialogue.server('227 ok (10,0,0,5,156,64)\r\n');
    const refusals = dialogue.helper.events.decisions.map(({ decision }) => decision.refusal);
    expect(refusals).toEqual(['no-sequence-adjustment']);
    expect(dialogue.expected).toEqual([]);
  });

  it('has as few of its bytes rewritten as need be, so that its segment stays short', () => {
    const dialogue = known('198.51.100.17');
    const said = `227 ${'Entering '.repeat(150)}Mode (10,0,0,5,156,64).\r\n`;
    const sent = dialogue.server(said);
    expect(sent.payload).toHaveLength(said.length);
    expect(sent.payload).toContain(' (198,51,100,17,156,64).');
  });

  it('may say by which address it is reached here', () => {
    const nat = { ...CLOUD, server: '10.2.0.2:21' };
    const publicAddresses = [{ public: address('198.51.100.17'), private: address('10.0.0.5') }];
    const dialogue = new TranslatedDialogue(nat, { publicAddresses });
    dialogue.client('PASV\r\n');
    const sent = dialogue.server('227 Entering Passive Mode (10,0,0,5,156,64).\r\n');
    expect(sent.payload).toBe('227 Entering Passive Mode (198,51,100,17,156,64).\r\n');
  });

  it.each(['130.239.18.165', '172.32.0.1', '100.128.0.1', '192.169.0.1'])(
    'is not one of the world, %s, where no private address is named',
    (server) => {
      const nat = { ...CLOUD, server: `${server}:21`, serverSeen: `${server}:21` };
      const publicAddresses = [{ public: address('198.51.100.17'), private: undefined }];
      const dialogue = new TranslatedDialogue(nat, { publicAddresses });
      dialogue.client('PASV\r\n');
      const said = `227 Entering Passive Mode (${server.replaceAll('.', ',')},156,64).\r\n`;
      expect(dialogue.server(said).verdict).toEqual({ kind: 'accept' });
    },
  );

  it('needs nothing for a 229, and its clients nothing for a PORT', () => {
    const dialogue = known('198.51.100.17');
    dialogue.server('227 Entering Passive Mode (10,0,0,5,156,64).\r\n');
    dialogue.client('EPSV\r\n');
    expect(dialogue.server('229 ok (|||40001|)\r\n').verdict).toEqual({ kind: 'accept' });
    expect(dialogue.client('PORT 203,0,113,9,156,64\r\n').verdict).toEqual({ kind: 'accept' });
    expect(dialogue.expected).toHaveLength(3);
  });

  it('that this host translates as well is announced by what the world knows this host by', () => {
    const nat = { ...CLOUD, server: '10.2.0.2:21' };
    const dialogue = new TranslatedDialogue(nat, {
      publicAddresses: [{ public: address('198.51.100.17'), private: address('10.0.0.5') }],
    });
    dialogue.client('PASV\r\n');
    const sent = dialogue.server('227 Entering Passive Mode (10,2,0,2,156,64).\r\n');
    expect(sent.payload).toBe('227 Entering Passive Mode (198,51,100,17,156,64).\r\n');
    expect(dialogue.expected).toMatchObject([
      { tuple: tuple('203.0.113.9:0 > 10.0.0.5:40000'), nat: { tuple: { sourcePort: 40_000 } } },
    ]);
  });
});
