/**
 * Runs a transcript's dialogue through scanner, dialogue and policy, cut into pieces in a chosen way, and
 * writes the resulting log. Each piece is overwritten after it was scanned.
 *
 * @module
 */
import { BlockList, isIPv4 } from 'node:net';
import { LineScanner, LINE_TRAITS } from '../../src/ftp/line-scanner.js';
import type { Outcome } from '../../src/ftp/outcome.js';
import { DEFAULT_POLICY, judge, KERNEL_POLICY, type Policy } from '../../src/ftp/policy.js';
import { Dialogues } from '../../src/ftp/dialogue.js';
import { formatIpAddress, parseIpAddress, type IpAddress } from '../../src/wire/ip-address.js';
import { CLIENT, SERVER, type Setting, type Transcript } from './transcript.js';

/**
 * Returns the cuts of the turn with this number and length: the end of each piece but the last, ascending.
 */
export type Cutter = (turn: number, length: number) => readonly number[];

/**
 * Flow and initial sequence number are chosen to expose mistakes: not the first flow, and a number about to
 * wrap.
 */
const FLOW = 3;
const FIRST_SEQUENCE = 0xffff_fff0;

export function replay(transcript: Transcript, cut: Cutter): string {
  const { setting, turns } = transcript;
  const policy = policyOf(setting);
  const log: string[] = [];
  const sessions = new Dialogues({ flows: FLOW + 1, policy });
  const scanner = new LineScanner(
    { halves: (FLOW + 1) * 2, ...(setting.maxLine === undefined ? {} : { maxLine: setting.maxLine }) },
    {
      onLine(half, line) {
        const { bytes, start, end, sequence, traits } = line;
        const side = half - FLOW * 2;
        const off = (sequence - FIRST_SEQUENCE) >>> 0;
        log.push(
          `${NAMES[side] ?? ''} off=${off} line "${visible(bytes.subarray(start, end))}"${traitNames(traits)}`,
        );
        const outcome = side === CLIENT ? sessions.clientLine(FLOW, line) : sessions.serverLine(FLOW, line);
        if (outcome === undefined) return;
        const announcer = addressOf(side === CLIENT ? setting.client : setting.server);
        log.push(`${NAMES[side] ?? ''} ${outcomeText(policy, outcome, off, announcer)}`);
      },
    },
  );
  sessions.begin(FLOW, setting.midStream ?? false);
  for (const side of [CLIENT, SERVER]) {
    if (setting.midStream === true) scanner.lose(FLOW * 2 + side);
    else scanner.begin(FLOW * 2 + side);
  }
  const sequences = [FIRST_SEQUENCE, FIRST_SEQUENCE];
  turns.forEach(({ side, bytes }, turn) => {
    const half = FLOW * 2 + side;
    if (bytes === undefined) {
      scanner.lose(half);
      return;
    }
    let from = 0;
    for (const to of [...cut(turn, bytes.length), bytes.length]) {
      // Space before and after, so that a wrong offset reads a wrong byte.
      const piece = Buffer.concat([Buffer.from('\r\n('), bytes.subarray(from, to), Buffer.from('1\r\n')]);
      scanner.scan(half, piece, 3, piece.length - 3, sequences[side] ?? 0);
      piece.fill(0xee);
      sequences[side] = ((sequences[side] ?? 0) + (to - from)) >>> 0;
      from = to;
    }
  });
  return log.map((line) => `${line}\n`).join('');
}

const NAMES = { [CLIENT]: 'client', [SERVER]: 'server' } as Record<number, string>;

function policyOf({ policy, allowAddress, passivePorts }: Setting): Policy {
  const allowed = new BlockList();
  if (allowAddress !== undefined) {
    const [network, prefix] = allowAddress;
    allowed.addSubnet(network, prefix, isIPv4(network) ? 'ipv4' : 'ipv6');
  }
  return {
    ...(policy === 'kernel' ? KERNEL_POLICY : DEFAULT_POLICY),
    allowedAddresses: allowed,
    passivePorts: passivePorts === undefined ? undefined : { first: passivePorts[0], last: passivePorts[1] },
  };
}

function addressOf(text: string): IpAddress {
  const address = parseIpAddress(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}

function outcomeText(policy: Policy, outcome: Outcome, off: number, announcer: IpAddress): string {
  switch (outcome.kind) {
    case 'announcement': {
      const { kind, address, port, from, to } = outcome.announcement;
      const reason = judge(policy, outcome.announcement, announcer);
      const endpoint = endpointText(address, port);
      if (reason !== undefined) return `off=${off + from} refused ${kind} ${reason}${endpoint}`;
      return `off=${off + from} len=${to - from} expected ${kind}${endpoint}`;
    }
    case 'refused': {
      const { announcement, reason, address, port, at } = outcome;
      return `off=${off + at} refused ${announcement} ${reason}${endpointText(address, port)}`;
    }
    case 'encrypted':
    case 'not-ftp':
      return `off=${off} ${outcome.kind}`;
  }
}

function endpointText(address: IpAddress | undefined, port: number | undefined): string {
  const addressText = address === undefined ? '' : ` address=${formatIpAddress(address)}`;
  return port === undefined ? addressText : `${addressText} port=${port}`;
}

function traitNames(traits: number): string {
  return Object.entries(LINE_TRAITS)
    .filter(([, bit]) => (traits & bit) !== 0)
    .map(([name]) => ` ${name}`)
    .join('');
}

/** Formats bytes as the dialogue does. */
function visible(bytes: Buffer): string {
  return Array.from(bytes, (byte) => {
    if (byte === 0x5c) return '\\\\';
    if (byte >= 0x20 && byte <= 0x7e) return String.fromCharCode(byte);
    return `\\x${byte.toString(16).padStart(2, '0')}`;
  }).join('');
}
