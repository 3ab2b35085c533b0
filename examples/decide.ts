/**
 * Prints what conntrack-ftp would decide about the FTP sessions in a capture. It needs no kernel and no privilege.
 *
 *   tcpdump -i eth0 -w session.pcap port 21
 *   node decide.ts session.pcap        (Node 22.18 and later; before that: npx tsx decide.ts session.pcap)
 */
import { createReadStream } from 'node:fs';
import {
  CaptureReader,
  DEFAULT_POLICY,
  FtpHelper,
  decisionRecord,
  findIpPacket,
  invertTuple,
  type TrackedConnection,
  type Tuple,
} from 'conntrack-ftp';

const FTP_PORT = 21;
let connections = 0;

/** A capture has no connection tracking table: the side that uses port 21 is the server, and there is no NAT. */
function find(seen: Tuple): TrackedConnection {
  const original = seen.destinationPort === FTP_PORT ? seen : invertTuple(seen);
  return { original, reply: invertTuple(original), id: ++connections };
}

const helper = new FtpHelper({
  policy: DEFAULT_POLICY,
  ports: [FTP_PORT],
  lookup: find,
  capacity: 1024,
  maxConnectionsPerClient: 1024,
  seed: 0,
});

const capture = new CaptureReader();
for await (const chunk of createReadStream(process.argv[2] ?? '/dev/stdin')) {
  for (const item of capture.feed(chunk as Buffer)) {
    if (item.kind === 'fault') throw new Error(`byte ${item.at}: ${item.fault}`);
    const start = findIpPacket(item.linkType, item.bytes, item.start, item.end);
    if (typeof start !== 'number') continue;
    for (const effect of helper.onPacket(item.bytes, start, item.end, item.time, item.number)) {
      if (effect.kind !== 'release') console.log(JSON.stringify(decisionRecord(effect.decision)));
    }
  }
}
