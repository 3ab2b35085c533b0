/**
 * The dialogue of each control connection: which lines are commands and replies, which reply answers which
 * command, and whether the connection carries FTP at all. Each line produces at most one outcome. A
 * readable announcement in its proper place is an outcome that `policy.judge` still has to judge, because
 * only the caller knows the speaker's address.
 *
 * Lines come from a `LineScanner`, whose traits also mark lost bytes. A flow is a slot number below
 * `flows`. Its state is a few bytes in typed arrays.
 *
 * @module
 */
import { ANNOUNCEMENTS, type AnnouncementKind, type AnnouncementRow } from './announcement.js';
import { hasArgumentAll, isFtpVerb, verbAt, VERBS } from './command.js';
import { LINE_TRAITS } from './line-scanner.js';
import type { LineView } from './line-view.js';
import { announce, ENCRYPTED, lineObstacle, NOT_FTP, refuseReadable, type Outcome } from './outcome.js';
import { COMMANDS, OutstandingCommands, type Command } from './outstanding.js';
import type { Policy, RefusalReason } from './policy.js';
import { endsReply, REPLY_PART, replyCode, ReplyGrouping } from './reply.js';

export type { Outcome } from './outcome.js';

export interface DialoguesOptions {
  /** Number of flows. */
  readonly flows: number;
  readonly policy: Policy;
}

/** State bits of a flow; 0 is a flow that has not begun. */
const ACTIVE = 0x01;
/** The server has not completed its greeting. */
const AWAITING_BANNER = 0x02;
/** The client's first line was an FTP command. */
const CLIENT_SPEAKS_FTP = 0x04;
/** The server has accepted EPSV ALL. */
const EPSV_ONLY = 0x08;
/** Ignored for good. */
const FOREIGN = 0x10;

/** Positive replies to AUTH (234) and to the last ADAT of a security exchange (235), RFC 2228 §5. */
const AUTH_ACCEPTED = 234;
const EXCHANGE_COMPLETED = 235;

const FIRST_FINAL_CODE = 200;
const isPositive = (code: number): boolean => code >= 200 && code < 300;

export class Dialogues {
  readonly #policy: Policy;
  readonly #states: Uint8Array;
  readonly #replies: ReplyGrouping;
  readonly #outstanding: OutstandingCommands;

  constructor(options: DialoguesOptions) {
    this.#policy = options.policy;
    this.#states = new Uint8Array(options.flows);
    this.#replies = new ReplyGrouping(options.flows);
    this.#outstanding = new OutstandingCommands(options.flows);
  }

  /** Number of times that a client had more outstanding commands than are remembered. */
  get commandOverflows(): number {
    return this.#outstanding.overflows;
  }

  /** If `midStream`, the beginning was not seen: greeting and outstanding commands are unknown. */
  begin(flow: number, midStream: boolean): void {
    this.#replies.reset(flow);
    this.#outstanding.clear(flow);
    this.#states[flow] = midStream ? ACTIVE : ACTIVE | AWAITING_BANNER;
  }

  forget(flow: number): void {
    this.#outstanding.clear(flow);
    this.#states[flow] = 0;
  }

  clientLine(flow: number, line: LineView): Outcome | undefined {
    if (!this.#has(flow, ACTIVE)) return undefined;
    const { bytes, start, end, traits } = line;
    if ((traits & LINE_TRAITS.afterGap) !== 0) this.#outstanding.clear(flow);
    // Servers ignore an empty line without a reply, because some clients and middleboxes send them.
    if (start === end) return undefined;
    const verb = verbAt(bytes, start, end);
    const row = clientRow(verb);
    if (this.#has(flow, FOREIGN)) return refuseReadable(row, 'not-ftp', line);
    if (!this.#has(flow, CLIENT_SPEAKS_FTP)) {
      if (this.#policy.requireFtp && !isFtpVerb(verb)) return this.#ignore(flow);
      this.#set(flow, CLIENT_SPEAKS_FTP);
    }
    this.#outstanding.push(flow, commandOf(verb, bytes, start, end));
    if (row === undefined) return undefined;
    return announce(row, this.#clientObstacle(flow, row, traits), line);
  }

  serverLine(flow: number, line: LineView): Outcome | undefined {
    if (!this.#has(flow, ACTIVE)) return undefined;
    if (this.#has(flow, FOREIGN)) {
      return refuseReadable(textRow(line), 'not-ftp', line);
    }
    if ((line.traits & LINE_TRAITS.afterGap) !== 0) this.#resumeReplies(flow);
    const code = this.#replies.read(flow, line.bytes, line.start, line.end);
    if (code >= FIRST_FINAL_CODE) return this.#finalReply(flow, code, line);
    if (code === REPLY_PART.text) {
      return refuseReadable(textRow(line), 'unsolicited-reply', line);
    }
    if (code === REPLY_PART.none && this.#policy.requireFtp && this.#has(flow, AWAITING_BANNER)) {
      return this.#ignore(flow);
    }
    return undefined;
  }

  /**
   * Replies were lost, perhaps including the greeting. A client that waits for each reply has at most one
   * command outstanding: the newest. If the client does not wait, a 227 or 229 for another command is still
   * refused.
   */
  #resumeReplies(flow: number): void {
    this.#outstanding.keepNewest(flow);
    this.#replies.reset(flow);
    this.#clear(flow, AWAITING_BANNER);
  }

  #finalReply(flow: number, code: number, line: LineView): Outcome | undefined {
    if (code === AUTH_ACCEPTED || code === EXCHANGE_COMPLETED) {
      this.forget(flow);
      return ENCRYPTED;
    }
    const command = this.#answeredCommand(flow);
    const row = serverRow(code);
    if (row !== undefined) return this.#passiveReply(flow, command, row, line);
    if (!isPositive(code)) return undefined;
    if (command === COMMANDS.epsvAll) this.#set(flow, EPSV_ONLY);
    if (command === COMMANDS.rein) this.#clear(flow, EPSV_ONLY);
    return undefined;
  }

  /** The greeting answers no command, even if a client sent one before it. */
  #answeredCommand(flow: number): Command {
    if (!this.#has(flow, AWAITING_BANNER)) return this.#outstanding.shift(flow);
    this.#clear(flow, AWAITING_BANNER);
    return COMMANDS.none;
  }

  #passiveReply(flow: number, command: Command, row: AnnouncementRow, line: LineView): Outcome | undefined {
    if (this.#policy.pairReplies && !answers(row.kind, command)) {
      // Commands and replies are out of step. With nothing outstanding, the next pair is in step again.
      this.#outstanding.clear(flow);
      const reason = command === COMMANDS.forgotten ? 'too-many-commands' : 'unsolicited-reply';
      return refuseReadable(row, reason, line);
    }
    return announce(row, this.#serverObstacle(flow, row, line.traits), line);
  }

  #clientObstacle(flow: number, row: AnnouncementRow, traits: number): RefusalReason | undefined {
    const obstacle = lineObstacle(this.#policy, row.kind, traits);
    if (obstacle !== undefined) return obstacle;
    if (this.#policy.requireFtp && this.#has(flow, AWAITING_BANNER)) return 'no-banner';
    return this.#policy.honourEpsvAll && this.#has(flow, EPSV_ONLY) ? 'epsv-all' : undefined;
  }

  #serverObstacle(flow: number, row: AnnouncementRow, traits: number): RefusalReason | undefined {
    const obstacle = lineObstacle(this.#policy, row.kind, traits);
    if (obstacle !== undefined || row.kind === '229') return obstacle;
    return this.#policy.honourEpsvAll && this.#has(flow, EPSV_ONLY) ? 'epsv-all' : undefined;
  }

  #ignore(flow: number): Outcome {
    this.#states[flow] = ACTIVE | FOREIGN;
    return NOT_FTP;
  }

  #has(flow: number, bit: number): boolean {
    return ((this.#states[flow] ?? 0) & bit) !== 0;
  }

  #set(flow: number, bit: number): void {
    this.#states[flow] = (this.#states[flow] ?? 0) | bit;
  }

  #clear(flow: number, bit: number): void {
    this.#states[flow] = (this.#states[flow] ?? 0) & ~bit;
  }
}

function clientRow(verb: number): AnnouncementRow | undefined {
  if (verb === VERBS.port) return ANNOUNCEMENTS.fromClient.PORT;
  if (verb === VERBS.eprt) return ANNOUNCEMENTS.fromClient.EPRT;
  return undefined;
}

function serverRow(code: number): AnnouncementRow | undefined {
  return code === 227 || code === 229 ? ANNOUNCEMENTS.fromServer[code] : undefined;
}

/** Returns the row of a line that is not a reply in its place but looks like the last line of one. */
function textRow({ bytes, start, end }: LineView): AnnouncementRow | undefined {
  return endsReply(bytes, start, end) ? serverRow(replyCode(bytes, start, end)) : undefined;
}

function commandOf(verb: number, bytes: Buffer, start: number, end: number): Command {
  if (verb === VERBS.pasv) return COMMANDS.pasv;
  if (verb === VERBS.rein) return COMMANDS.rein;
  if (verb !== VERBS.epsv) return COMMANDS.other;
  return hasArgumentAll(bytes, start, end) ? COMMANDS.epsvAll : COMMANDS.epsv;
}

const answers = (kind: AnnouncementKind, command: Command): boolean =>
  kind === '227' ? command === COMMANDS.pasv : command === COMMANDS.epsv;
