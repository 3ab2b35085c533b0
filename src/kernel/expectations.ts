/**
 * Pinholes as conntrack expectations, made over ctnetlink. The master must carry a helper (see anchor.ts).
 *
 * The kernel finds an expectation by its tuple alone, whoever's it is, and a NEW without NLM_F_EXCL would prolong
 * another connection's. So every pinhole is asked for with CREATE|EXCL, and EEXIST is looked into: the same
 * master's is a refresh, another's a clash. Lifetimes are ignored at creation (nf_conntrack_netlink.c
 * `ctnetlink_new_expect`), and are set by a second message where one is wanted.
 *
 * @module
 */
import { FOLLOW_MASTER, readExpectation, writeExpectation, type Expectation } from '../wire/expectation.js';
import { ipFamily } from '../wire/ip-address.js';
import { MESSAGE_FLAGS } from '../wire/netlink.js';
import { addressFamily, CTNETLINK_MESSAGES, SUBSYSTEMS } from '../wire/nfnetlink.js';
import { sameTuple, type Tuple } from '../wire/tuple.js';
import { ERRNO } from './errno.js';
import { malformed, rejected, type NetlinkAnswer, type NetlinkSocket } from './netlink-socket.js';
import type { Pinhole, PinholeBackend, PinholeOutcome, PinholeRefusal } from './pinhole.js';

const OPERATION = 'open a pinhole';
/** What the usual anchors' policies give (300 s), for a refresh where the caller leaves the lifetime open. */
const POLICY_LIFETIME = 300;
/** An expectation may be used up between two messages about it; then it is made anew, once. */
const ATTEMPTS = 2;
const ANY_PORT_MASK = 0;
const EXACT_PORT_MASK = 0xffff;

const REFUSALS = new Map<number, PinholeRefusal>([
  [ERRNO.EBUSY, 'clash'],
  [ERRNO.EMFILE, 'table-full'],
  [ERRNO.ENOENT, 'master-gone'],
  [ERRNO.EOPNOTSUPP, 'no-helper'],
]);

/** Throws `NetlinkRejected` for refusals that are not pinhole refusals; and what `NetlinkSocket.transact` throws. */
export class CtnetlinkPinholes implements PinholeBackend {
  readonly name = 'ctnetlink';
  readonly #socket: NetlinkSocket;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  open(pinhole: Pinhole): PinholeOutcome {
    for (let attempt = 1; ; attempt += 1) {
      const answer = this.#create(pinhole);
      if (answer.errno === 0) {
        // Used up before its lifetime is set, it has done its work.
        if (pinhole.lifetime !== undefined) this.#setLifetime(pinhole, pinhole.lifetime);
        return 'opened';
      }
      const outcome =
        answer.errno === ERRNO.EEXIST ? this.#meetExisting(pinhole) : REFUSALS.get(answer.errno);
      if (outcome === undefined) throw rejected(OPERATION, answer);
      if (outcome !== 'replaced') return outcome;
      if (attempt === ATTEMPTS) return 'clash';
    }
  }

  close(pinhole: Pinhole): boolean {
    const existing = this.find(pinhole.tuple, pinhole.zone);
    return (
      existing !== undefined &&
      sameTuple(existing.master, pinhole.master) &&
      this.#remove(existing, pinhole.zone)
    );
  }

  isOpen(tuple: Tuple, zone: number): boolean {
    return this.find(tuple, zone) !== undefined;
  }

  /** The expectation that a connection of this tuple would meet, whoever's it is. */
  find(tuple: Tuple, zone = 0): Expectation | undefined {
    writeExpectation(this.#request(CTNETLINK_MESSAGES.get, 0, tuple), { tuple, zone });
    const [answer] = this.#socket.transact('find an expectation');
    if (answer === undefined || answer.errno === ERRNO.ENOENT) return undefined;
    if (answer.errno !== 0) throw rejected('find an expectation', answer);
    const [reply] = answer.replies;
    if (reply === undefined) throw malformed('find an expectation', 'expectation missing');
    const parsed = readExpectation(reply.bytes, reply.payloadAt, reply.end);
    if (!parsed.ok) throw malformed('find an expectation', parsed.fault);
    return parsed.value;
  }

  #create(pinhole: Pinhole): NetlinkAnswer {
    const { master, tuple, zone, nat } = pinhole;
    const flags = MESSAGE_FLAGS.create | MESSAGE_FLAGS.exclusive;
    writeExpectation(this.#request(CTNETLINK_MESSAGES.new, flags, tuple), {
      master,
      tuple,
      sourcePortMask: sourcePortMask(tuple),
      zone,
      fn: nat === undefined ? undefined : FOLLOW_MASTER,
      nat,
    });
    return this.#transactOne(OPERATION);
  }

  /** What is there was ours or another's; ours with other terms is taken away, to be made anew. */
  #meetExisting(pinhole: Pinhole): 'refreshed' | 'clash' | 'replaced' {
    const existing = this.find(pinhole.tuple, pinhole.zone);
    if (existing === undefined) return 'replaced';
    if (!sameTuple(existing.master, pinhole.master)) return 'clash';
    if (sameTerms(existing, pinhole) && this.#setLifetime(pinhole, pinhole.lifetime ?? POLICY_LIFETIME)) {
      return 'refreshed';
    }
    this.#remove(existing, pinhole.zone);
    return 'replaced';
  }

  /** Answers false where the expectation is not there any more. */
  #setLifetime(pinhole: Pinhole, timeout: number): boolean {
    const { master, tuple, zone } = pinhole;
    writeExpectation(this.#request(CTNETLINK_MESSAGES.new, 0, tuple), {
      master,
      tuple,
      sourcePortMask: sourcePortMask(tuple),
      zone,
      timeout,
    });
    return this.#wasThere('set the lifetime of a pinhole');
  }

  /** The kernel does not tell an expectation's zone, so it is the one that it was found in. */
  #remove({ tuple, id }: Expectation, zone: number): boolean {
    writeExpectation(this.#request(CTNETLINK_MESSAGES.delete, 0, tuple), { tuple, zone, id });
    return this.#wasThere('close a pinhole');
  }

  #wasThere(operation: string): boolean {
    const answer = this.#transactOne(operation);
    if (answer.errno === 0) return true;
    // ETIME: its timer was running off just then (kernels before 6.12.114).
    if (answer.errno === ERRNO.ENOENT || answer.errno === ERRNO.ETIME) return false;
    throw rejected(operation, answer);
  }

  #request(message: number, flags: number, tuple: Tuple): ReturnType<NetlinkSocket['request']> {
    const family = addressFamily(ipFamily(tuple.destination));
    return this.#socket.request(SUBSYSTEMS.expectation, message, flags, family);
  }

  #transactOne(operation: string): NetlinkAnswer {
    const [answer] = this.#socket.transact(operation);
    if (answer === undefined) throw malformed(operation, 'no answer');
    return answer;
  }
}

const sourcePortMask = (tuple: Tuple): number => (tuple.sourcePort === 0 ? ANY_PORT_MASK : EXACT_PORT_MASK);

function sameTerms(existing: Expectation, pinhole: Pinhole): boolean {
  return (
    sameTuple(existing.tuple, pinhole.tuple) &&
    existing.sourcePortMask === sourcePortMask(pinhole.tuple) &&
    existing.nat?.direction === pinhole.nat?.direction &&
    existing.nat?.tuple.sourcePort === pinhole.nat?.tuple.sourcePort
  );
}
