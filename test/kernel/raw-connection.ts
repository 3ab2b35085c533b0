/**
 * A TCP connection of two raw hosts through a translating gateway, of which a test says every segment.
 *
 * @module
 */
import { TCP_FLAGS } from '../../src/wire/tcp.js';
import type { Tuple } from '../../src/wire/tuple.js';
import { waitFor } from '../lab/condition.js';
import { tupleOf } from '../wire/netlink-corpus.js';
import type { Arrival, Endpoint, RawTcp, Segment } from './raw-tcp.js';

/** The client sends in the original direction, the server in the other. */
export type Direction = 'original' | 'reply';

export interface DirectedSegment extends Segment {
  readonly direction: Direction;
}

export interface Ports {
  readonly client: number;
  readonly server: number;
}

/** What a segment without options and payload has. */
export const BARE = { sack: [], payload: '' } as const;

/** A segment under way. */
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
  /** As conntrack has it. */
  readonly original: Tuple;
  /** Where the server sees the client. */
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

  /** A connection that nobody translates; nothing is sent. */
  static untranslated(client: RawTcp, server: RawTcp, ports: Ports): RawConnection {
    return new RawConnection(
      { from: client, fromPort: ports.client, to: server, toward: endpointOf(server, ports.server) },
      { from: server, fromPort: ports.server, to: client, toward: endpointOf(client, ports.client) },
    );
  }

  /**
   * Begins a connection by the client's SYN with the number `sequence`. It is sent until it arrives: on links that have
   * just been made first packets may be lost.
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

  /** Sends the segments, and answers them as they arrive on the other side, in the same order. */
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
