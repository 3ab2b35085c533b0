/**
 * What clients and servers say, well, oddly or with bad intent. Each is played to the kernel's helper and to ours; what
 * ours must make of it is said here.
 *
 * @module
 */
import {
  byteAtATime,
  client,
  cut,
  dial,
  everyPlace,
  OK,
  PASSIVE,
  PORT,
  PORT_ELSEWHERE,
  server,
  type Case,
  type Step,
} from './case.js';

const expected = (name: string, opens: number | readonly number[], ...steps: readonly Step[]): Case => ({
  ...{ name, steps, refuses: [] },
  opens: typeof opens === 'number' ? [opens] : opens,
});
const refused = (name: string, reason: string | readonly string[], ...steps: readonly Step[]): Case => ({
  ...{ name, steps, opens: [] },
  refuses: typeof reason === 'string' ? [reason] : reason,
});
const unread = (name: string, ...steps: readonly Step[]): Case => ({ name, steps, opens: [], refuses: [] });

const PASV = client('PASV\r\n');
const EPSV = client('EPSV\r\n');
/** RFC 854: data mark, and "do" with the option that follows. */
const IAC_DATA_MARK = '\xff\xf2';
const IAC_DO_ECHO = '\xff\xfd\x01';

const GRAMMARS: readonly Case[] = [
  expected('PORT', 40_000, client(PORT), OK),
  expected('PORT in lower case', 40_000, client(PORT.toLowerCase()), OK),
  expected('PORT in mixed case', 40_000, client('PoRt 10,1,0,2,156,64\r\n'), OK),
  expected('EPRT with an IPv4 address', 40_000, client('EPRT |1|10.1.0.2|40000|\r\n'), OK),
  {
    ...expected('EPRT with an IPv6 address', 40_000, client('EPRT |2|2001:db8:1::2|40000|\r\n'), OK),
    family: 6,
  },
  expected('EPRT between exclamation marks', 40_000, client('EPRT !1!10.1.0.2!40000!\r\n'), OK),
  expected('EPRT between tildes', 40_000, client('EPRT ~1~10.1.0.2~40000~\r\n'), OK),
  expected('EPRT between letters', 40_000, client('EPRT x1x10.1.0.2x40000x\r\n'), OK),
  expected('227 in parentheses', 40_000, PASV, server(PASSIVE)),
  expected('227 without parentheses', 40_000, PASV, server('227 Passive 10,2,0,2,156,64\r\n')),
  expected('227 after an equals sign', 40_000, PASV, server('227 =10,2,0,2,156,64\r\n')),
  expected('227 with a number in its words', 40_000, PASV, server('227 Mode 2 (10,2,0,2,156,64)\r\n')),
  refused('227 with two endpoints', 'malformed', PASV, server('227 10,2,0,2,156,65 or 10,2,0,2,156,64\r\n')),
  expected('229 over IPv4', 40_000, EPSV, server('229 Extended passive (|||40000|)\r\n')),
  {
    ...expected('229 over IPv6', 40_000, EPSV, server('229 Extended passive (|||40000|)\r\n')),
    family: 6,
  },
  expected('PORT with two blanks', 40_000, client('PORT  10,1,0,2,156,64\r\n'), OK),
  expected('PORT with a blank at its end', 40_000, client('PORT 10,1,0,2,156,64 \r\n'), OK),
  expected('PORT with a tab for its blank', 40_000, client('PORT\t10,1,0,2,156,64\r\n'), OK),
  expected('telnet sequence before PORT', 40_000, client(`${IAC_DATA_MARK}${PORT}`), OK),
  expected('telnet sequence inside PORT', 40_000, client(`PORT 10,1,${IAC_DO_ECHO}0,2,156,64\r\n`), OK),
];

const SEGMENTS: readonly Case[] = [
  expected(
    'PORT in two segments, cut at every byte',
    everyPlace(PORT).map(() => 40_000),
    ...everyPlace(PORT).flatMap((place) => [...cut(client, PORT, place), OK]),
  ),
  expected(
    '227 in two segments, cut at every byte',
    everyPlace(PASSIVE).map(() => 40_000),
    ...everyPlace(PASSIVE).flatMap((place) => [PASV, ...cut(server, PASSIVE, place)]),
  ),
  expected('PORT, a byte a segment', 40_000, ...byteAtATime(client, PORT), OK),
  expected('227, a byte a segment', 40_000, PASV, ...byteAtATime(server, PASSIVE)),
  expected(
    'a command and PORT in one segment',
    40_000,
    client(`TYPE I\r\n${PORT}`),
    server('200 ok\r\n200 ok\r\n'),
  ),
  expected(
    'two PORT in one segment',
    [40_000, 40_001],
    client(`${PORT}${PORT_ELSEWHERE}`),
    server('200 ok\r\n200 ok\r\n'),
  ),
  expected(
    'a reply and 227 in one segment',
    40_000,
    client('TYPE I\r\nPASV\r\n'),
    server(`200 ok\r\n${PASSIVE}`),
  ),
  expected('227 of two lines in one segment', 40_000, PASV, server(`227-Wait\r\n${PASSIVE}`)),
  expected(
    'PORT with its segments in reverse order',
    40_000,
    client(PORT.slice(14), { at: 14 }),
    client(PORT.slice(7, 14), { at: 7 }),
    client(PORT.slice(0, 7), { at: 0 }),
    OK,
  ),
  expected('PORT twice the same segment', 40_000, client(PORT), client(PORT, { at: 0 }), OK),
  expected(
    'PORT in overlapping segments',
    40_000,
    client(PORT.slice(0, 12)),
    client(PORT.slice(6), { at: 6 }),
    OK,
  ),
  expected(
    'PORT sent again with other boundaries',
    40_000,
    client(PORT.slice(0, 10)),
    client(`${PORT}NOOP\r\n`, { at: 0 }),
    server('200 ok\r\n200 ok\r\n'),
  ),
  {
    ...expected('PORT as the first line of a client', 40_000, server('220 ready\r\n'), client(PORT), OK),
    opening: 'connected',
  },
  {
    ...expected(
      'connection picked up in the middle: the second PORT that is seen',
      40_001,
      client('NOOP\r\n'),
      OK,
      client(PORT),
      OK,
      client(PORT_ELSEWHERE),
      OK,
    ),
    opening: 'nothing',
  },
  expected('the same PORT again', [40_000, 40_000], client(PORT), OK, client(PORT), OK),
  expected(
    'another PORT before the first was used',
    [40_000, 40_001],
    client(PORT),
    OK,
    client(PORT_ELSEWHERE),
    OK,
  ),
  expected(
    'PORT and a line of 300 bytes in one segment',
    40_000,
    client(`${PORT}NOOP ${'x'.repeat(300)}\r\n`),
    server('200 ok\r\n200 ok\r\n'),
  ),
];

const ABUSES: readonly Case[] = [
  refused('PORT ended by a bare LF', 'bare-line-feed', client('PORT 10,1,0,2,156,64\n'), OK),
  refused(
    'PORT smuggled in behind a bare LF, as a segment of its own',
    'bare-line-feed',
    client('CWD leetleet\n'),
    client(PORT),
    server('550 no\r\n'),
  ),
  refused('PORT with an octet above 255', 'octet-out-of-range', client('PORT 10,1,0,2,412,64\r\n'), OK),
  refused('PORT of 300 digits', 'malformed', client(`PORT ${'1'.repeat(300)}\r\n`), OK),
  refused('EPRT with port 65558', 'port-out-of-range', client('EPRT |1|10.1.0.2|65558|\r\n'), OK),
  refused('229 with port 65558', 'port-out-of-range', EPSV, server('229 ok (|||65558|)\r\n')),
  refused('PORT with port 0', 'port-out-of-range', client('PORT 10,1,0,2,0,0\r\n'), OK),
  refused('227 with port 0', 'port-out-of-range', PASV, server('227 ok (10,2,0,2,0,0)\r\n')),
  refused('PORT with port 22', 'privileged-port', client('PORT 10,1,0,2,0,22\r\n'), OK),
  refused('227 with port 22', 'privileged-port', PASV, server('227 ok (10,2,0,2,0,22)\r\n')),
  refused('229 with port 1023', 'privileged-port', EPSV, server('229 ok (|||1023|)\r\n')),
  refused(
    'PORT with the address of a third host',
    'address-mismatch',
    client('PORT 10,1,0,9,156,64\r\n'),
    OK,
  ),
  refused(
    '227 with the address of a third host',
    'address-mismatch',
    PASV,
    server('227 ok (10,2,0,9,156,64)\r\n'),
  ),
  refused(
    'EPRT with the address of a third host',
    'address-mismatch',
    client('EPRT |1|10.1.0.9|40000|\r\n'),
    OK,
  ),
  refused(
    'EPRT with an IPv6 address over IPv4',
    'family-mismatch',
    client('EPRT |2|2001:db8:1::2|40000|\r\n'),
    OK,
  ),
  refused('229 with an address', 'malformed', EPSV, server('229 ok (|1|10.2.0.9|40000|)\r\n')),
  refused('227 without a PASV', 'unsolicited-reply', client('NOOP\r\n'), server(PASSIVE)),
  refused('229 without an EPSV', 'unsolicited-reply', client('NOOP\r\n'), server('229 ok (|||40000|)\r\n')),
  unread(
    '227 inside the text of another reply',
    client('PWD\r\n'),
    server('257 "227 ok (10,2,0,2,156,64)"\r\n'),
  ),
  unread(
    '227 inside the text of another reply, as a segment of its own',
    client('PWD\r\n'),
    server('257 "'),
    server('227 ok (10,2,0,2,156,64)"\r\n'),
  ),
  refused(
    '227 as a line of another reply',
    'unsolicited-reply',
    client('STAT\r\n'),
    server('211-Status\r\n'),
    server(PASSIVE),
    server('211 End\r\n'),
  ),
  unread('227 and 229 said by the client', client(PASSIVE), client('229 ok (|||40000|)\r\n'), OK),
  unread('PORT said by the server', client('NOOP\r\n'), server('PORT 10,2,0,2,156,64\r\n'), OK),
  refused('PORT after EPSV ALL', 'epsv-all', client('EPSV ALL\r\n'), OK, client(PORT), OK),
  refused(
    'EPRT after EPSV ALL',
    'epsv-all',
    client('EPSV ALL\r\n'),
    OK,
    client('EPRT |1|10.1.0.2|40000|\r\n'),
    OK,
  ),
  refused('227 after EPSV ALL', 'epsv-all', client('EPSV ALL\r\n'), OK, PASV, server(PASSIVE)),
  unread(
    'encrypted bytes that read PORT, after AUTH TLS',
    client('AUTH TLS\r\n'),
    server('234 go\r\n'),
    client('\x16\x03\x01\x00\x05hello'),
    client(`\x17\x03\x03\x00\x16${PORT}`),
    client(PORT),
  ),
  {
    ...refused(
      'HTTP with a line PORT in its request',
      'not-ftp',
      client(`POST / HTTP/1.1\r\nHost: example.net\r\n\r\n${PORT}`),
      server('HTTP/1.1 200 OK\r\n\r\n'),
    ),
    opening: 'connected',
  },
  {
    ...unread(
      'HTTP with a line PORT as a segment of its own',
      client('POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n'),
      server('HTTP/1.1 100 Continue\r\n\r\n'),
      client(PORT),
      server('HTTP/1.1 200 OK\r\n\r\n'),
    ),
    opening: 'connected',
  },
  expected(
    'a third host connects to the port of a PORT before the server',
    40_000,
    client(PORT),
    OK,
    dial('third', 'client', 40_000, 'lost'),
    dial('server', 'client', 40_000, 'arrives'),
  ),
  expected(
    'a third host connects to the port of a 227 before the client',
    40_000,
    PASV,
    server(PASSIVE),
    dial('third', 'server', 40_000, 'lost'),
    dial('client', 'server', 40_000, 'arrives'),
  ),
];

export const FLOOR: readonly Case[] = [...GRAMMARS, ...SEGMENTS, ...ABUSES];
