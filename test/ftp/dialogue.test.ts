/** The dialogue against its reference implementation, against noise, and with several flows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineScanner, LINE_TRAITS } from '../../src/ftp/line-scanner.js';
import type { Outcome } from '../../src/ftp/outcome.js';
import { DEFAULT_POLICY, KERNEL_POLICY, type Policy } from '../../src/ftp/policy.js';
import { Dialogues } from '../../src/ftp/dialogue.js';
import { DialogueTwin } from './dialogue-twin.js';

type Say = (line: string, traits?: number) => Outcome | undefined;

/** Both sides of one flow. */
function dialogue(sessions: Dialogues, flow: number): { client: Say; server: Say } {
  return {
    client(line, traits = 0) {
      const bytes = Buffer.from(`1${line},1`, 'latin1');
      return sessions.clientLine(flow, { bytes, start: 1, end: 1 + line.length, sequence: 0, traits });
    },
    server(line, traits = 0) {
      const bytes = Buffer.from(`2${line}9,9`, 'latin1');
      return sessions.serverLine(flow, { bytes, start: 1, end: 1 + line.length, sequence: 0, traits });
    },
  };
}

function begin(policy: Policy = DEFAULT_POLICY): { client: Say; server: Say } {
  const sessions = new Dialogues({ flows: 1, policy });
  sessions.begin(0, false);
  return dialogue(sessions, 0);
}

function summary(outcome: Outcome | undefined): string | undefined {
  switch (outcome?.kind) {
    case undefined:
      return undefined;
    case 'announcement':
      return `announcement ${outcome.announcement.kind}`;
    case 'refused':
      return `refused ${outcome.announcement} ${outcome.reason}`;
    case 'encrypted':
    case 'not-ftp':
      return outcome.kind;
  }
}

const clientLine = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('PASV', 'EPSV', 'PORT 10,0,0,1,4,0', 'NOOP', 'pasv', 'USER x') },
  {
    weight: 6,
    arbitrary: fc.constantFrom('EPSV ALL', 'REIN', 'PORT 1,2,3', 'PORT', '', 'port 10,0,0,1,4,1'),
  },
  fc.constantFrom('AUTH TLS', 'GET / HTTP/1.1', '227 (10,0,0,1,4,0)'),
);
const serverLine = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.constantFrom('220 a', '200 a', '227 (10,0,0,2,4,0)', '229 (|||1024|)', '331 a'),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom('211-a', '211 a', '220-a', '150 a', '227 a', '229 a', '227', '500 a'),
  },
  { weight: 3, arbitrary: fc.constantFrom('227-(10,0,0,2,4,0)', '229-a', 'text', '99 a', '', '2000') },
  fc.constantFrom('234 a', '235 a', '220'),
);
const turn = fc.oneof(
  clientLine.map((line) => ({ side: 'client', line }) as const),
  serverLine.map((line) => ({ side: 'server', line }) as const),
);
const greeting = { side: 'server', line: '220 ready' } as const;
const dialogues = fc.oneof(
  fc.array(turn, { maxLength: 30 }),
  fc.array(turn, { maxLength: 29 }).map((turns) => [greeting, ...turns]),
);

describe('Dialogues', () => {
  it('agrees with the reference implementation', () => {
    fc.assert(
      fc.property(dialogues, (turns) => {
        const session = begin();
        const twin = new DialogueTwin();
        for (const { side, line } of turns) expect(summary(session[side](line))).toBe(twin[side](line));
      }),
      { numRuns: 5000 },
    );
  });

  it('never accepts more 227 and 229 than there were PASV and EPSV', () => {
    fc.assert(
      fc.property(dialogues, (turns) => {
        const session = begin();
        const asked = { '227': 0, '229': 0 };
        for (const { side, line } of turns) {
          if (side === 'client' && /^PASV/i.test(line)) asked['227'] += 1;
          if (side === 'client' && /^EPSV/i.test(line)) asked['229'] += 1;
          const outcome = session[side](line);
          if (side === 'client' || outcome?.kind !== 'announcement') continue;
          const { kind } = outcome.announcement;
          if (kind === '227' || kind === '229') asked[kind] -= 1;
          expect(Math.min(asked['227'], asked['229'])).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps flows apart', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), turn), { maxLength: 60 }), (turns) => {
        const together = new Dialogues({ flows: 3, policy: DEFAULT_POLICY });
        const alone = [begin(), begin(), begin()];
        for (const flow of alone.keys()) together.begin(flow, false);
        for (const [flow, { side, line }] of turns) {
          expect(dialogue(together, flow)[side](line)).toEqual(alone[flow]?.[side](line));
        }
      }),
    );
  });

  it.each([
    ['default', DEFAULT_POLICY],
    ['kernel', KERNEL_POLICY],
  ])('takes any bytes, under the %s policy, and announces ports from 1 to 65535 only', (_, policy) => {
    const words = fc.constantFrom(
      'PORT ',
      'EPRT ',
      '227 ',
      '229 ',
      'PASV',
      'EPSV',
      '220 ',
      '|',
      ',',
      '(',
      '1',
      '2',
      '\r\n',
      '\n',
    );
    const noise = fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    const said = fc.array(
      fc.tuple(
        fc.nat(1),
        fc.array(fc.oneof(words, noise)).map((parts) => parts.join('')),
      ),
    );
    fc.assert(
      fc.property(said, (pieces) => {
        const sessions = new Dialogues({ flows: 1, policy });
        const onOutcome = (outcome: Outcome | undefined): void => {
          if (outcome?.kind !== 'announcement') return;
          expect(outcome.announcement.port).toBeGreaterThanOrEqual(1);
          expect(outcome.announcement.port).toBeLessThanOrEqual(65_535);
        };
        const scanner = new LineScanner(
          { halves: 2, maxLine: 64 },
          {
            onLine(half, line) {
              onOutcome(half === 0 ? sessions.clientLine(0, line) : sessions.serverLine(0, line));
            },
          },
        );
        sessions.begin(0, false);
        scanner.begin(0);
        scanner.begin(1);
        for (const [half, text] of pieces) {
          const bytes = Buffer.from(text, 'latin1');
          scanner.scan(half, bytes, 0, bytes.length, 0);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('returns nothing for a flow that has not begun or was forgotten', () => {
    const sessions = new Dialogues({ flows: 1, policy: DEFAULT_POLICY });
    const { client, server } = dialogue(sessions, 0);
    expect([server('SSH-2.0'), client('GET /')]).toEqual([undefined, undefined]);
    sessions.begin(0, false);
    server('220 ready');
    sessions.forget(0);
    expect(client('PORT 10,0,0,1,4,0')).toBeUndefined();
  });

  it('begins without any state of the previous flow', () => {
    const sessions = new Dialogues({ flows: 1, policy: DEFAULT_POLICY });
    const { client, server } = dialogue(sessions, 0);
    sessions.begin(0, false);
    for (const line of ['220 ready', '200 ok', '211-open']) server(line);
    for (const line of ['EPSV ALL', 'PASV', 'PASV']) client(line);
    sessions.begin(0, false);
    expect(summary(server('220 ready'))).toBeUndefined();
    expect(summary(server('227 (10,0,0,2,4,0)'))).toBe('refused 227 unsolicited-reply');
    expect(summary(client('PORT 10,0,0,1,4,0'))).toBe('announcement PORT');
  });

  it('reports not-ftp once', () => {
    const { client, server } = begin();
    expect(client('GET / HTTP/1.1')).toEqual({ kind: 'not-ftp' });
    expect([client('Host: x'), server('HTTP/1.1 200 OK'), client('')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('returns an announcement with everything that a rewrite needs', () => {
    const { client, server } = begin();
    server('220 ready');
    expect(client('PORT  10,0,0,1,4,1')).toEqual({
      kind: 'announcement',
      announcement: { kind: 'PORT', address: Uint8Array.of(10, 0, 0, 1), port: 1025, from: 6, to: 18 },
    });
  });

  it('does not trust the numbers in a truncated line', () => {
    const { client, server } = begin();
    server('220 ready');
    expect(client('PORT 10,0,0,1,4,1', LINE_TRAITS.tooLong)).toEqual({
      kind: 'refused',
      reason: 'line-too-long',
      announcement: 'PORT',
      address: undefined,
      port: undefined,
      at: 0,
    });
  });

  it('counts clients that send too many commands ahead of the replies', () => {
    const sessions = new Dialogues({ flows: 1, policy: DEFAULT_POLICY });
    const { client } = dialogue(sessions, 0);
    sessions.begin(0, false);
    for (let command = 0; command < 40; command += 1) client('NOOP');
    expect(sessions.commandOverflows).toBe(1);
  });

  it('keeps only the newest command after replies were lost', () => {
    const { client, server } = begin();
    server('220 ready');
    client('SYST');
    client('PASV');
    expect(summary(server('227 (10,0,0,2,4,0)', LINE_TRAITS.afterGap))).toBe('announcement 227');
    client('EPSV');
    client('NOOP');
    expect(summary(server('229 (|||1024|)', LINE_TRAITS.afterGap))).toBe('refused 229 unsolicited-reply');
  });
});
