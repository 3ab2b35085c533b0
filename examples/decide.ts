/**
 * Prints what conntrack-ftp would decide about the FTP sessions in a capture. It needs no kernel and no privilege.
 *
 *   tcpdump -i eth0 -w session.pcap port 21
 *   node decide.ts session.pcap        (Node 22.18 and later; before that: npx tsx decide.ts session.pcap)
 */
import { createReadStream } from 'node:fs';
import {
  CaptureReader,
  FtpHelper,
  decisionRecord,
  findIpPacket,
  invertTuple,
  type Conntrack,
  type HelperEvents,
} from 'conntrack-ftp';

const FTP_PORT = 21;
const ignore = () => undefined;
let connections = 0;

/** A capture has no connection tracking table: the side that uses port 21 is the server, and there is no NAT. */
const conntrack: Conntrack = {
  find(seen) {
    const original = seen.destinationPort === FTP_PORT ? seen : invertTuple(seen);
    return { original, reply: invertTuple(original), id: ++connections };
  },
  expect: () => 'opened',
  isExpected: () => false,
  adjustSequence: () => 'no-room',
  cancel: ignore,
  release: ignore,
};

const events: HelperEvents = {
  decision(decision, told) {
    console.log(JSON.stringify(decisionRecord(decision, told)));
  },
  released: ignore,
  withdrawn: ignore,
  rejected: ignore,
};

const helper = new FtpHelper({ ports: [FTP_PORT] }, conntrack, events);
const capture = new CaptureReader();
for await (const chunk of createReadStream(process.argv[2] ?? '/dev/stdin')) {
  for (const item of capture.feed(chunk as Buffer)) {
    if (item.kind === 'fault') throw new Error(`byte ${item.at}: ${item.fault}`);
    const { linkType, bytes, end, number, time } = item;
    const start = findIpPacket(linkType, bytes, item.start, end);
    if (typeof start === 'number') helper.onPacket({ bytes, start, end, number }, time);
  }
}
