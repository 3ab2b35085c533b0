/**
 * Counts the packets that a firewall rule sends to a queue, and lets them pass. It needs CAP_NET_ADMIN.
 *
 *   iptables -I INPUT -p tcp --dport 8080 -j NFQUEUE --queue-num 7 --queue-bypass
 *   node count-packets.ts 7            (Node 22.18 and later; before that: npx tsx count-packets.ts 7)
 *
 * Interrupt it to see the totals. `--queue-bypass` accepts the packets while nobody reads the queue.
 */
import { ConntrackFtpError, openPacketQueue } from 'conntrack-ftp';

let packets = 0;
let bytes = 0;

try {
  const queue = openPacketQueue(
    { queue: Number(process.argv[2] ?? 0) },
    {
      /** A row without a verdict of ours is accepted when this function returns. */
      onBatch(batch, count) {
        packets += count;
        for (let row = 0; row < count; row++) bytes += batch.end(row) - batch.start(row);
      },
      onError(error) {
        throw error;
      },
    },
  );
  console.log('ready');
  process.once('SIGINT', () => {
    queue.close();
    console.log(`${packets} packets, ${bytes} bytes, ${queue.overruns} lost`);
  });
} catch (error) {
  if (!(error instanceof ConntrackFtpError)) throw error;
  console.error(`${error.message}\n${error.remedy ?? ''}`);
  process.exitCode = 1;
}
