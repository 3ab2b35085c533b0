/**
 * Reads captures with Wireshark's `tshark` and verifies all checksums: a dissector of IP, TCP and FTP that is neither
 * ours nor the kernel's.
 *
 * @module
 */
import { runChecked } from './command.js';
import { labEnvironment } from './environment.js';

const CHECKED = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'] as const;

/**
 * Bare acknowledgements are not queued, so one may overtake the FIN that its sender sent before it. tshark then reports
 * a gap and a retransmission; TCP has nothing to repair.
 */
const OVERTAKEN_FIN =
  'tcp.len == 0 && tcp.flags.syn == 0' +
  ' && (tcp.analysis.lost_segment || tcp.analysis.out_of_order || tcp.analysis.retransmission)';

/**
 * Frames that a perfect path between patient hosts does not have: with a checksum that is wrong or was not verified, or
 * with a tshark remark on TCP: bytes lost, retransmitted or out of order, a duplicate acknowledgement, or one of unseen
 * bytes. A window update is no fault.
 */
const FAULTY = [
  'tcp.checksum.status != "Good"',
  'ip.checksum.status != "Good"',
  `(tcp.analysis.flags && !tcp.analysis.window_update && !(${OVERTAKEN_FIN}))`,
].join(' || ');

/** The values of `fields` in the frames that the display filter `filter` names, one row per frame. */
export async function dissect(
  capture: string,
  filter: string,
  fields: readonly string[],
): Promise<readonly (readonly string[])[]> {
  const columns = fields.flatMap((field) => ['-e', field]);
  const printed = await runChecked(
    ['tshark', '-n', '-r', capture, ...CHECKED, '-Y', filter, '-T', 'fields', ...columns],
    { environment: labEnvironment() },
  );
  const rows = printed.split('\n').slice(0, -1);
  return rows.map((row) => row.split('\t'));
}

/** What tshark finds wrong with the TCP segments of `capture`: frame numbers, states of the checksum, remarks. */
export const faultyFrames = (capture: string): Promise<readonly (readonly string[])[]> =>
  dissect(capture, FAULTY, ['frame.number', 'tcp.checksum.status', '_ws.expert.message']);
