/**
 * The operations of an agent inside its namespace: src/kernel on the real kernel, and traffic to test it. Arguments
 * and results cross a process boundary, so they are plain values.
 *
 * @module
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import {
  probeCarrierHelper,
  probeCarrierHelpers,
  type CarrierHelperProbe,
} from '../../src/kernel/inspect/carrier-helper.js';
import type { NativeBinding } from '../../src/kernel/binding.js';
import { inspectCapabilities, type InspectionOptions } from '../../src/kernel/inspect/capabilities.js';
import { ConntrackEvents, type ConntrackEvent } from '../../src/kernel/conntrack-events.js';
import { ConntrackTable, type AdjustmentOutcome } from '../../src/kernel/conntrack-table.js';
import { CtnetlinkPinholes } from '../../src/kernel/expectations.js';
import type { Finding } from '../../src/kernel/inspect/finding.js';
import { NetlinkSocket } from '../../src/kernel/netlink-socket.js';
import type { Pinhole, PinholeOutcome } from '../../src/kernel/pinhole.js';
import { findQueueOwner, type QueueOwner } from '../../src/kernel/inspect/queue-owner.js';
import { probeQueue, type QueueProbe } from '../../src/kernel/inspect/queue-probe.js';
import { writeConntrack, type ConntrackEntry, type ConntrackFields } from '../../src/wire/conntrack.js';
import type { Expectation } from '../../src/wire/expectation.js';
import { ipFamily } from '../../src/wire/ip-address.js';
import { MESSAGE_FLAGS } from '../../src/wire/netlink.js';
import { addressFamily, CTNETLINK_MESSAGES, SUBSYSTEMS } from '../../src/wire/nfnetlink.js';
import type { SequenceAdjustment } from '../../src/wire/seqadj.js';
import type { Tuple } from '../../src/wire/tuple.js';
import { address } from '../wire/netlink-corpus.js';
import { helped, pinholeFor } from './control-connection.js';
import { exchangeDatagrams, QueueUnderTest, type QueuedPacket } from './queue-under-test.js';

const EVENT_BUFFER_BYTES = 1 << 20;

export class AgentOperations {
  readonly #binding: NativeBinding;
  readonly #socket: NetlinkSocket;
  readonly #table: ConntrackTable;
  readonly #pinholes: CtnetlinkPinholes;
  readonly #seen: ConntrackEvent[] = [];
  readonly #queue: QueueUnderTest;
  #events: ConntrackEvents | undefined;

  constructor(binding: NativeBinding) {
    this.#binding = binding;
    this.#socket = NetlinkSocket.open(binding);
    this.#table = new ConntrackTable(this.#socket);
    this.#pinholes = new CtnetlinkPinholes(this.#socket);
    this.#queue = new QueueUnderTest(binding);
  }

  pid(): number {
    return process.pid;
  }

  portId(): number {
    return this.#socket.portId;
  }

  closeSocket(): void {
    this.#socket.close();
  }

  /** Creates an entry as the ruleset and a connection would. Throws if the kernel refuses it. */
  makeEntry(fields: ConntrackFields): void {
    const flags = MESSAGE_FLAGS.create | MESSAGE_FLAGS.exclusive;
    const family = addressFamily(ipFamily(fields.original.source));
    writeConntrack(this.#socket.request(SUBSYSTEMS.conntrack, CTNETLINK_MESSAGES.new, flags, family), fields);
    this.#socket.execute('make an entry');
  }

  findEntry(tuple: Tuple, zone?: number): ConntrackEntry | undefined {
    return this.#table.find(tuple, zone);
  }

  setMark(tuple: Tuple, mark: number, mask: number, zone?: number): boolean {
    return this.#table.setMark(tuple, mark, mask, zone);
  }

  adjustSequence(
    tuple: Tuple,
    direction: 'original' | 'reply',
    adjustment: SequenceAdjustment,
  ): AdjustmentOutcome {
    return this.#table.adjustSequence(tuple, direction, adjustment);
  }

  removeEntry(tuple: Tuple, zone?: number): boolean {
    return this.#table.remove(tuple, zone);
  }

  openPinhole(pinhole: Pinhole): PinholeOutcome {
    return this.#pinholes.open(pinhole);
  }

  closePinhole(pinhole: Pinhole): boolean {
    return this.#pinholes.close(pinhole);
  }

  findExpectation(tuple: Tuple, zone?: number): Expectation | undefined {
    return this.#pinholes.find(tuple, zone);
  }

  /** Opens one pinhole for each master until one is refused. Returns how many were opened. */
  openUntilRefused(masters: readonly Tuple[]): { readonly opened: number; readonly outcome: PinholeOutcome } {
    let opened = 0;
    for (const master of masters) {
      this.makeEntry(helped(master));
      const outcome = this.openPinhole(pinholeFor(master));
      if (outcome !== 'opened') return { opened, outcome };
      opened += 1;
    }
    return { opened, outcome: 'opened' };
  }

  /** Creates and deletes entries in one synchronous run, during which no event can be received. */
  makeAndRemove(originals: readonly Tuple[]): void {
    for (const original of originals) {
      this.makeEntry(helped(original));
      this.removeEntry(original);
    }
  }

  probeCarrierHelper(helper: string, family: 4 | 6): CarrierHelperProbe {
    return probeCarrierHelper(this.#socket, helper, family);
  }

  probeCarrierHelpers(family: 4 | 6): readonly CarrierHelperProbe[] {
    return probeCarrierHelpers(this.#socket, family);
  }

  probeQueue(): QueueProbe {
    return probeQueue(this.#socket);
  }

  queueOwner(queue: number): QueueOwner | undefined {
    return findQueueOwner(queue);
  }

  bindQueue(queue: number, copyRange = 0): readonly string[] {
    return this.#queue.bind(queue, copyRange);
  }

  closeQueue(): void {
    this.#queue.close();
  }

  queuedPackets(): readonly QueuedPacket[] {
    return this.#queue.seen;
  }

  async sendDatagrams(host: string, texts: readonly string[]): Promise<readonly string[]> {
    return exchangeDatagrams(host, texts);
  }

  inspect(options: InspectionOptions): readonly Finding[] {
    return inspectCapabilities(this.#binding, options);
  }

  subscribe(expectations: boolean, ports?: readonly number[], receiveBufferBytes = EVENT_BUFFER_BYTES): void {
    this.#events = new ConntrackEvents(this.#binding, {
      ...(expectations ? { expectations: 'made and ended' } : {}),
      ...(ports === undefined ? {} : { ports }),
      receiveBufferBytes,
      onEvent: (event) => this.#seen.push(event),
      onError: (error) => {
        throw error;
      },
    });
  }

  /** Number of times that events were lost. */
  overruns(): number | undefined {
    return this.#events?.overruns;
  }

  unsubscribe(): void {
    this.#events?.close();
  }

  events(): readonly ConntrackEvent[] {
    return this.#seen;
  }

  /** Makes a loopback connection to a server of its own and closes both. Returns the original tuple. */
  async converse(host: string, port: number, listenPort = port): Promise<Tuple> {
    const server = createServer((peer) => peer.pipe(peer)).listen(listenPort, host);
    await once(server, 'listening');
    const client = connect(port, host);
    await once(client, 'connect');
    client.write('220 ready\r\n');
    await once(client, 'data');
    const { port: sourcePort } = client.address() as AddressInfo;
    client.destroy();
    server.close();
    const at = address(host);
    return { source: at, sourcePort, destination: at, destinationPort: port };
  }
}
