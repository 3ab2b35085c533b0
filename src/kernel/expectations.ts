/**
 * Creates expectations over ctnetlink. The master connection must carry a helper (see inspect/carrier-helper.ts).
 *
 * The kernel looks up an expectation by its tuple alone, regardless of its master, and a NEW without NLM_F_EXCL
 * would extend another connection's expectation. So every expectation is created with CREATE|EXCL. On EEXIST the
 * existing one is read: the same master's is refreshed, another master's is a clash. The kernel ignores the timeout
 * on creation (nf_conntrack_netlink.c `ctnetlink_new_expect`), so a second message sets it if one is given.
 *
 * @module
 */
import {
  FOLLOW_MASTER,
  POLICY_LIFETIME,
  readExpectation,
  writeExpectation,
  type Expectation,
} from '../wire/expectation.js';
import { ipFamily } from '../wire/ip-address.js';
import { MESSAGE_FLAGS } from '../wire/netlink.js';
import { addressFamily, CTNETLINK_MESSAGES, SUBSYSTEMS } from '../wire/nfnetlink.js';
import { sameTuple, type Tuple } from '../wire/tuple.js';
import { ERRNO } from './errno.js';
import { malformed, rejected, type NetlinkAnswer, type NetlinkSocket } from './netlink-socket.js';
import type { Pinhole, PinholeBackend, PinholeOutcome, PinholeRefusal } from './pinhole.js';

const OPERATION = 'create an expectation';
/** An expectation may be used between two messages about it; then it is created again, once. */
const ATTEMPTS = 2;
const ANY_PORT_MASK = 0;
const EXACT_PORT_MASK = 0xffff;

const REFUSALS = new Map<number, PinholeRefusal>([
  [ERRNO.EBUSY, 'clash'],
  [ERRNO.EMFILE, 'table-full'],
  [ERRNO.ENOENT, 'master-gone'],
  [ERRNO.EOPNOTSUPP, 'no-helper'],
]);

/**
 * Methods throw `NetlinkRejected` for errors that are not in `REFUSALS`, and the errors of
 * `NetlinkSocket.transact`.
 */
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
        // If the expectation has been used already, the second message finds nothing, which is fine.
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

  /** Returns the expectation that a connection with this tuple would match, of any master. */
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

  /**
   * Compares with the existing expectation. If it has the same master but other terms, deletes it so that it can be
   * created again.
   */
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

  /** Returns false if the expectation no longer exists. */
  #setLifetime(pinhole: Pinhole, timeout: number): boolean {
    const { master, tuple, zone } = pinhole;
    writeExpectation(this.#request(CTNETLINK_MESSAGES.new, 0, tuple), {
      master,
      tuple,
      sourcePortMask: sourcePortMask(tuple),
      zone,
      timeout,
    });
    return this.#wasThere('set the timeout of an expectation');
  }

  /** The kernel does not report an expectation's zone, so the caller passes the zone of the lookup. */
  #remove({ tuple, id }: Expectation, zone: number): boolean {
    writeExpectation(this.#request(CTNETLINK_MESSAGES.delete, 0, tuple), { tuple, zone, id });
    return this.#wasThere('delete an expectation');
  }

  #wasThere(operation: string): boolean {
    const answer = this.#transactOne(operation);
    if (answer.errno === 0) return true;
    // ETIME: the expectation's timer was expiring at that moment (kernels before 6.12.114).
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
