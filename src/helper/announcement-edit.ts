/**
 * The edit that has an announcement name another endpoint. Where the kernel cannot shift the numbers of what
 * follows, the words of a 227 make room: they mean nothing (RFC 959 §4.2), so that the line keeps its length.
 *
 * @module
 */
import { endpointText, endpointWithWords } from '../ftp/endpoint-text.js';
import { sequenceAdd } from '../tcp/sequence.js';
import type { StreamEdit } from '../tcp/stream-edits.js';
import type { Rewrite } from './effect.js';

/**
 * @param shifts  whether the kernel can shift sequence numbers on this connection
 * @returns `undefined` where the length would change, and must not
 */
export function announcementEdit(
  { at: { start, end, kind, words }, address }: Rewrite,
  port: number,
  shifts: boolean,
): StreamEdit | undefined {
  const replacement = endpointText(kind, address, port);
  const length = end - start;
  if (shifts || replacement.length === length) return { start, end, replacement };
  const line = endpointWithWords(words, replacement, words.length + length);
  return line === undefined
    ? undefined
    : { start: sequenceAdd(start, -words.length), end, replacement: line };
}
