/** Log lines for a terminal: what they show, and that bytes from peers cannot control the terminal. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openWorkerLog } from '../../src/daemon/logger.js';
import { logText, printable, type LogRecord } from '../../src/daemon/log-text.js';

const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const TIME = Date.UTC(2026, 10, 30, 6, 12, 0, 123) / 1000;
const announcement = {
  client: '10.1.0.2',
  clientPort: 39_758,
  server: '10.2.0.2',
  serverPort: 21,
} as const;

it('names both ends of the connection before the message', () => {
  const msg = '227 10.2.0.2 port 30584 from server 10.2.0.2: expected';
  expect(logText({ time: TIME, level: 'info', msg, ...announcement })).toBe(
    `2026-11-30T06:12:00.123Z info  10.1.0.2:39758 > 10.2.0.2:21  ${msg}\n`,
  );
});

it('puts IPv6 addresses in brackets', () => {
  const record = { time: TIME, level: 'warn', msg: 'refused', ...announcement, client: '2001:db8::2' };
  expect(logText({ ...record, server: '2001:db8::9' })).toBe(
    '2026-11-30T06:12:00.123Z warn  [2001:db8::2]:39758 > [2001:db8::9]:21  refused\n',
  );
});

it('shows only time, level and message if the line is not about an announcement', () => {
  expect(logText({ time: TIME, level: 'error', msg: 'stopped' })).toBe(
    '2026-11-30T06:12:00.123Z error stopped\n',
  );
});

it('shows the stack of an error below its line', () => {
  const err = { stack: 'Error: wrong\u001B[2J\n    at one (a.js:1:2)' };
  expect(logText({ time: TIME, level: 'error', msg: 'a defect', err })).toBe(
    '2026-11-30T06:12:00.123Z error a defect\n    Error: wrong\\u{1b}[2J\n    at one (a.js:1:2)\n',
  );
});

it.each([
  ['\u001B[31m', '\\u{1b}[31m'],
  ['a\r\nb', 'a\\u{d}\\u{a}b'],
  ['\u009B2J', '\\u{9b}2J'],
  ['\u202Eexe', '\\u{202e}exe'],
  ['\uD800', '\\u{d800}'],
  ['é 文 🙂', 'é 文 🙂'],
])('escapes characters that control a terminal: %j', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

it('formats the JSON line of the real logger', () => {
  let line = '';
  const logger = openWorkerLog('info', 1, { write: (text) => (line = text) });
  logger.warn({ event: 'decision', ...announcement }, 'refused \u001B[2J');
  const text = logText(JSON.parse(line) as LogRecord);
  expect(text).toMatch(/^\d{4}-\S+Z warn {2}10\.1\.0\.2:39758 > 10\.2\.0\.2:21 {2}refused \\u\{1b\}\[2J\n$/);
});

it('lets no control character of any field through', () => {
  const anyText = fc.string({ unit: 'binary' });
  const records = fc.record({
    time: fc.double({ min: 0, max: 4e9, noNaN: true }),
    level: anyText,
    msg: anyText,
    client: anyText,
    clientPort: fc.nat(65_535),
    server: anyText,
    serverPort: fc.nat(65_535),
    err: fc.record({ stack: anyText }),
  });
  fc.assert(
    fc.property(records, (record) => {
      const lines = logText(record).split('\n');
      expect(lines.some((line) => CONTROLS.test(line))).toBe(false);
      // The lines of the stack, and the empty text after the last line feed.
      expect(lines).toHaveLength(2 + record.err.stack.split('\n').length);
    }),
  );
});
