/**
 * The edit that makes an announcement name another endpoint. If the kernel cannot shift the sequence numbers behind it, the
 * reply text of a 227 makes room: it has no meaning (RFC 959 §4.2), and the line keeps its length.
 *
 * @module
 */
import { endpointText, refitWords } from '../../ftp/endpoint-text.js';
import { sequenceAdd, sequenceDistance } from '../../tcp/sequence.js';
import type { StreamEdit } from './stream-edits.js';
import type { Rewrite } from '../effect.js';

/** Returns by how many bytes the endpoint at `port` is longer than the announced one. */
export const growthOf = ({ at: { start, end, kind }, address }: Rewrite, port: number): number =>
  endpointText(kind, address, port).length - sequenceDistance(start, end);

/**
 * @param shifts  whether the kernel can shift sequence numbers on this connection
 * @returns `undefined` if the length would change and must not
 */
export function announcementEdit(rewrite: Rewrite, port: number, shifts: boolean): StreamEdit | undefined {
  const { start, end, kind, words } = rewrite.at;
  const endpoint = endpointText(kind, rewrite.address, port);
  const growth = growthOf(rewrite, port);
  if (shifts || growth === 0) return { start, end, replacement: endpoint };
  if (kind !== '227') return undefined;
  const refitted = refitWords(words, growth);
  if (refitted === undefined) return undefined;
  const replacement = Buffer.concat([refitted.replacement, endpoint]);
  return { start: sequenceAdd(start, -refitted.replaced), end, replacement };
}
