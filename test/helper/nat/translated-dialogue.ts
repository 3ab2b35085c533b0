/**
 * A control connection that is translated, for tests of the helper: each packet goes on as the daemon would let it, and is
 * taken apart again.
 *
 * @module
 */
import { expect } from 'vitest';
import { announcementEdit } from '../../../src/helper/nat/announcement-edit.js';
import type { ExpectEffect } from '../../../src/helper/effect.js';
import type { FtpHelper, FtpHelperOptions } from '../../../src/helper/ftp-helper.js';
import type { Passage } from '../../../src/helper/nat/verdict.js';
import { ipv4ChecksumValid, tcpChecksumValid } from '../../../src/wire/checksum.js';
import { IpView } from '../../../src/wire/ip.js';
import { tcpFlags, tcpHeaderLength, tcpSequence } from '../../../src/wire/tcp.js';
import { tcpPacket } from '../../wire/packets.js';
import { ACK, FIN, newHelper, SYN, tuple } from '../dialogue.js';

/** Client and server, and what each of them is to the other. */
export interface Nat {
  readonly client: string;
  readonly server: string;
  readonly clientSeen: string;
  readonly serverSeen: string;
}

export interface Sent {
  readonly passage: Passage;
  /** What goes on: payload as text, sequence number, whether its checksums hold. */
  readonly payload: string;
  readonly sequence: number;
  readonly fin: boolean;
  readonly sound: boolean;
}

/** Speaks through the helper and does with each packet what the daemon would do. */
export class TranslatedDialogue {
  readonly helper: FtpHelper;
  readonly nat: Nat;
  readonly expected: ExpectEffect[] = [];
  clientNext = 1000;
  serverNext = 9000;
  now = 1000;
  /** Between two segments: what comes twice was sent twice. */
  secondsApart = 0.2;
  /** Whether the kernel can shift sequence numbers. */
  shifts = true;
  /** Asked for each expectation: the port to announce. */
  choosePort = (effect: ExpectEffect): number => effect.expected.tuple.destinationPort;

  constructor(nat: Nat, options: Partial<FtpHelperOptions> = {}) {
    this.nat = nat;
    const original = tuple(`${nat.client} > ${nat.serverSeen}`);
    const reply = tuple(`${nat.server} > ${nat.clientSeen}`);
    this.helper = newHelper({ lookup: () => ({ original, reply, id: 1 }), ...options });
    this.segment('server', 8999, '', SYN | ACK);
    this.server('220 ready\r\n');
  }

  announce(effect: ExpectEffect, port: number): void {
    const edit = effect.rewrite && announcementEdit(effect.rewrite, port, this.shifts);
    if (edit === undefined || effect.rewrite === undefined) throw new Error('cannot be rewritten');
    const { half } = effect.rewrite.at;
    expect(this.helper.rewriteObstacle(half, edit)).toBeUndefined();
    this.helper.rewrite(half, edit, { effect, port, fresh: true });
  }

  client(text: string): Sent {
    const sent = this.segment('client', this.clientNext, text);
    this.clientNext += text.length;
    return sent;
  }

  server(text: string): Sent {
    const sent = this.segment('server', this.serverNext, text);
    this.serverNext += text.length;
    return sent;
  }

  segment(
    from: 'client' | 'server',
    sequence: number,
    payload: string,
    flags: number = ACK,
    acknowledgment?: number,
  ): Sent {
    const { client, server, clientSeen, serverSeen } = this.nat;
    const [source, destination] = from === 'client' ? [client, serverSeen] : [server, clientSeen];
    const own = from === 'client' ? this.serverNext : this.clientNext;
    const packet = tcpPacket({
      source,
      destination,
      sequence,
      acknowledgment: acknowledgment ?? own,
      flags,
      payload,
    });
    this.now += this.secondsApart;
    for (const effect of this.helper.onPacket(packet, 0, packet.length, this.now, 1)) {
      if (effect.kind !== 'expect') continue;
      this.expected.push(effect);
      const port = this.choosePort(effect);
      if (effect.rewrite?.needed === true || port !== effect.expected.tuple.destinationPort) {
        this.announce(effect, port);
      }
    }
    const passage = this.helper.passage(packet);
    if (passage.kind === 'replace') this.helper.passed();
    const goesOn = passage.kind === 'replace' ? this.helper.rewritten.subarray(0, passage.length) : packet;
    return { passage, ...read(goesOn) };
  }
}

function read(packet: Buffer): Omit<Sent, 'passage'> {
  const ip = new IpView();
  expect(ip.read(packet, 0, packet.length)).toBeUndefined();
  expect(ip.cut).toBe(false);
  const at = ip.payloadAt;
  return {
    payload: packet.toString('latin1', at + tcpHeaderLength(packet, at), ip.end),
    sequence: tcpSequence(packet, at),
    fin: (tcpFlags(packet, at) & FIN) !== 0,
    sound:
      tcpChecksumValid(packet, ip) &&
      (ip.family === 6 || ipv4ChecksumValid(packet, 0)) &&
      ip.end === packet.length,
  };
}
