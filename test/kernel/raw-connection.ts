/**
 * A TCP connection between two raw hosts through a NAT gateway; the test specifies every segment.
 *
 * @module
 */
import { TCP_FLAGS } from '../../src/wire/tcp.js';
import type { Tuple } from '../../src/wire/tuple.js';
import { waitFor } from '../lab/condition.js';
import { tupleOf } from '../wire/netlink-corpus.js';
import type { Arrival, Endpoint, RawTcp, Segment } from './raw-tcp.js';

/** The client sends in the original direction, the server in the reply direction. */
export type Direction = 'original' | 'reply';

export interface DirectedSegment extends Segment {
  readonly direction: Direction;
}

export interface Ports {
  readonly client: number;
  readonly server: number;
}

/** The fields of a segment without options and payload. */
export const BARE = { sack: [], payload: '' } as const;

/** A segment that has been sent. */
export interface Sent {
  readonly to: RawTcp;
  readonly label: number;
}

interface Path {
  readonly from: RawTcp;
  readonly fromPort: number;
  readonly to: RawTcp;
  readonly toward: Endpoint;
}

export class RawConnection {
  /** The original tuple, as conntrack has it. */
  readonly original: Tuple;
  /** The client's address and port as the server sees them. */
  readonly translated: Endpoint;
  readonly #paths: Readonly<Record<Direction, Path>>;

  private constructor(original: Path, reply: Path) {
    this.original = tupleOf(
      original.from.address,
      original.fromPort,
      original.toward.address,
      original.toward.port,
    );
    this.translated = reply.toward;
    this.#paths = { original, reply };
  }

  /** A connection without NAT; nothing is sent. */
  static untranslated(client: RawTcp, server: RawTcp, ports: Ports): RawConnection {
    return new RawConnection(
      { from: client, fromPort: ports.client, to: server, toward: endpointOf(server, ports.server) },
      { from: server, fromPort: ports.server, to: client, toward: endpointOf(client, ports.client) },
    );
  }

  /**
   * Opens a connection with the client's SYN, whose sequence number is `sequence`. The SYN is repeated until it
   * arrives: new links may lose their first packets.
   */
  static async begin(client: RawTcp, server: RawTcp, ports: Ports, sequence: number): Promise<RawConnection> {
    const toward = endpointOf(server, ports.server);
    const syn = { ...BARE, sequence, acknowledgment: 0, flags: TCP_FLAGS.syn };
    const labels: number[] = [];
    const arrived = await waitFor(`a SYN at ${server.address}`, () => {
      labels.push(client.send(ports.client, toward, syn));
      return labels.map((label) => server.arrived(label)).find((arrival) => arrival !== undefined);
    });
    const translated = { address: arrived.source, port: arrived.sourcePort };
    return new RawConnection(
      { from: client, fromPort: ports.client, to: server, toward },
      { from: server, fromPort: ports.server, to: client, toward: translated },
    );
  }

  /** Sends the segments. Returns them as they arrive on the other side, in the same order. */
  async pass(segments: readonly DirectedSegment[]): Promise<readonly Arrival[]> {
    const sent = segments.map((segment) => this.send(segment));
    return Promise.all(sent.map(({ to, label }) => to.awaitArrival(label)));
  }

  send({ direction, ...segment }: DirectedSegment): Sent {
    const { from, fromPort, to, toward } = this.#paths[direction];
    return { to, label: from.send(fromPort, toward, segment) };
  }
}

const endpointOf = ({ address }: RawTcp, port: number): Endpoint => ({ address, port });
