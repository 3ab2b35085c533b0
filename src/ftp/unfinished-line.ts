/**
 * Finds where the endpoint of an announcement may have begun in an unfinished line. Under NAT these bytes
 * must not be forwarded before the whole line is known: forwarded bytes can no longer be rewritten.
 *
 * @module
 */
import { byteAt, isBlank, OPENING_PARENTHESIS, skipBlanks } from './ascii.js';
import { verbAt, VERBS } from './command.js';
import { REPLY_TEXT_AT, replyCode } from './reply.js';

const VERB_LENGTH = 4;

/**
 * Returns the offset in `bytes` of the first byte that may belong to an endpoint; `end` if there is none
 * yet.
 */
export function endpointMayBeginAt(bytes: Buffer, start: number, end: number, fromClient: boolean): number {
  return fromClient ? argumentAt(bytes, start, end) : replyEndpointAt(bytes, start, end);
}

/** PORT and EPRT: everything after the blanks behind the verb. */
function argumentAt(bytes: Buffer, start: number, end: number): number {
  const verbEnd = start + VERB_LENGTH;
  if (verbEnd >= end || !isBlank(byteAt(bytes, verbEnd, end))) return end;
  const verb = verbAt(bytes, start, end);
  return verb === VERBS.port || verb === VERBS.eprt ? skipBlanks(bytes, verbEnd, end) : end;
}

/** 227: from the reply text on, which may have to make room; 229: from the first parenthesis. */
function replyEndpointAt(bytes: Buffer, start: number, end: number): number {
  const code = replyCode(bytes, start, end);
  let at = Math.min(start + REPLY_TEXT_AT, end);
  if (code === 227) return at;
  if (code !== 229) return end;
  while (at < end && byteAt(bytes, at, end) !== OPENING_PARENTHESIS) at += 1;
  return at;
}
