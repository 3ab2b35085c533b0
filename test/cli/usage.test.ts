/** What the user gets for wrong options: a sentence and the documented exit code, never a stack trace. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { conntrackFtp } from './command-line.js';

const folder = mkdtempSync(path.join(tmpdir(), 'conntrack-ftp-usage-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function configuration(text: string): string {
  const file = path.join(folder, `${Math.random().toString(36).slice(2)}.json`);
  writeFileSync(file, text);
  return file;
}

const STACK_TRACE = /\n\s+at /;

describe('wrong usage exits with 2 and a sentence', () => {
  it.each<[string, string[], RegExp]>([
    [
      'a queue number out of range',
      ['run', '--queue', '65536'],
      /--queue must be a whole number from 0 to 65535, not "65536"/,
    ],
    ['a queue that is not a number', ['run', '--queue', '1e3'], /--queue must be a whole number/],
    ['a negative queue number', ['run', '--queue=-1'], /--queue must be a whole number/],
    [
      'a port out of range',
      ['run', '--ports', '21,70000'],
      /--ports must be a list of ports from 1 to 65535/,
    ],
    [
      'an empty list of ports',
      ['rules', 'nft', '--ports', ''],
      /--ports must be a list of ports from 1 to 65535, not ""/,
    ],
    [
      'too many ports',
      ['run', '--ports', Array.from({ length: 16 }, (_, at) => 2100 + at).join(',')],
      /--ports must name at most 15 ports/,
    ],
    ['a port twice', ['rules', 'iptables', '--ports', '21,21'], /--ports must name each port once/],
    [
      'a reversed passive range',
      ['run', '--passive-ports', '31000-30000'],
      /--passive-ports must be a lower and a higher port/,
    ],
    ['an unknown policy', ['run', '--policy', 'lax'], /--policy must be strict or kernel, not "lax"/],
    [
      'an invalid network',
      ['replay', '--allow-address', '10.0.0.0/33', '-'],
      /--allow-address must be a network/,
    ],
    [
      'an invalid public address',
      ['run', '--announce-address', '203.0.113.7=10.0.0.300'],
      /--announce-address must be an IPv4 address, or two such as 203.0.113.7=10.0.0.5, not "203.0.113.7=10.0.0.300"/,
    ],
    [
      'an IPv6 public address, which a 227 cannot carry',
      ['run', '--announce-address', '2001:db8::1'],
      /--announce-address must be an IPv4 address/,
    ],
    [
      'NAT between address families',
      ['replay', '--translate', '10.0.0.1=2001:db8::1', '-'],
      /--translate must be two addresses of one family/,
    ],
    ['NAT of one address', ['replay', '--translate', '10.0.0.1', '-'], /--translate must be two/],
    ['no worker', ['run', '--workers', '0'], /--workers must be a whole number from 1 to 64, not "0"/],
    [
      'queues above 65535',
      ['run', '--workers', '4', '--queue', '65533'],
      /--workers 4 needs the queues 65533 to 65536, and the last queue is 65535/,
    ],
    [
      'fewer log lines than workers',
      ['run', '--workers', '4', '--log-rate', '3'],
      /--log-rate must be at least the number of workers, 4, not 3/,
    ],
    [
      'more workers than the mark has room for',
      ['rules', 'nft', '--workers', '16'],
      /--worker-mark 0xf000000 can number 15 workers, not 16/,
    ],
    [
      'a worker mark with a gap',
      ['rules', 'iptables', '--workers', '2', '--worker-mark', '0x50000000'],
      /--worker-mark must be adjacent bits, such as 0xf000000, not "0x50000000"/,
    ],
    ['mark bits of zero', ['run', '--mark', '0x0'], /--mark must be/],
    [
      'a helper name with a space',
      ['rules', 'nft', '--helper', 'a b'],
      /--helper must be the name of a conntrack helper/,
    ],
    [
      '--helper and --anchor that differ',
      ['rules', 'nft', '--helper', 'sane', '--anchor', 'irc'],
      /--anchor is the old name of --helper: the values differ/,
    ],
    ['an unknown option', ['run', '--colour'], /unknown option '--colour'/],
    ['a misspelt option', ['run', '--queu', '1'], /unknown option '--queu'\n\(Did you mean --queue\?\)/],
    ['an unknown command', ['walk'], /unknown command 'walk'/],
    ['an unknown rule language', ['rules', 'pf'], /Allowed choices are iptables, nft/],
    ['no file to replay', ['replay'], /missing required argument 'file'/],
    [
      'a configuration file that does not exist',
      ['run', '--config', '/nonexistent.json'],
      /cannot read the configuration file \/nonexistent.json: ENOENT/,
    ],
    ['a configuration file that is not JSON', ['run', '--config', configuration('{')], /is not JSON/],
    [
      'a configuration file with a list',
      ['run', '--config', configuration('[]')],
      /must hold one JSON object/,
    ],
    [
      'a misspelt key',
      ['run', '--config', configuration('{"queueLenght": 1}')],
      /json: unknown key "queueLenght"; did you mean "queueLength"\?/,
    ],
    ['an unknown key', ['run', '--config', configuration('{"colour": 1}')], /json: unknown key "colour"\n/],
    [
      'a wrong address in the file',
      ['run', '--config', configuration('{"announceAddress": ["cloud"]}')],
      /json: announceAddress must be an IPv4 address/,
    ],
    [
      'a wrong value in the file',
      ['run', '--config', configuration('{"queue": "x"}')],
      /json: queue must be a whole number/,
    ],
  ])('%s', (_what, parameters, sentence) => {
    const { code, stdout, stderr } = conntrackFtp(parameters);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(STACK_TRACE);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('help', () => {
  it.each(['run', 'rules', 'replay', 'doctor'])('of %s has examples and exits with 0', (command) => {
    const { code, stdout } = conntrackFtp([command, '--help']);
    expect(stdout).toContain('Examples:');
    expect(code).toBe(0);
  });

  it('of the program lists the exit codes', () => {
    const { code, stdout } = conntrackFtp(['--help']);
    expect(stdout).toMatch(/Exit codes:\n {2}0 {2}done\n[\s\S]* {2}4 {2}not permitted/);
    expect(code).toBe(0);
  });

  it('and the version', () => {
    expect(conntrackFtp(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    });
  });
});
