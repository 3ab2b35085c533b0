/**
 * A gateway that filters, with the daemon or with the kernel's helper, and raw hosts on both sides of it, on which cases
 * are played one after the other. What came of them is asked when all are played.
 *
 * @module
 */
import { TCP_FLAGS } from '../../../src/wire/tcp.js';
import { BARE, RawConnection, type Ports } from '../../kernel/raw-connection.js';
import { RawTcp } from '../../kernel/raw-tcp.js';
import { waitFor } from '../../lab/condition.js';
import { ExpectationWatch } from '../../lab/conntrack.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules, type DecisionRecord } from '../../lab/daemon.js';
import { FAMILIES, type Family } from '../../lab/family.js';
import { filterRules, restoreRules } from '../../lab/firewall.js';
import { attachKernelHelper, KERNEL_HELPER } from '../../lab/kernel-helper.js';
import type { Laboratory } from '../../lab/laboratory.js';
import { buildTopology, HOST_INTERFACE, type Host, type Topology } from '../../lab/topology.js';
import { client, fateOf, OK, PORT, type Case, type DialStep, type Speaker, type Step } from './case.js';
import { scriptOf, segmentOf } from './script.js';

export type Reader = 'kernel' | 'ours';

/** What came of a case. */
export interface Seen {
  /** Endpoints that were expected, `10.1.0.2:40000`, in order. */
  readonly opened: readonly string[];
  /** Whether more than one of them was at some time. */
  readonly several: boolean;
  /** Of our daemon. */
  readonly decisions: readonly DecisionRecord[];
  /** Steps that should have arrived, as they were sent, and did not. */
  readonly missing: readonly Step[];
  /** Steps that should not have arrived, and did. */
  readonly unwanted: readonly Step[];
  /** Segments that conntrack found invalid. */
  readonly invalid: number;
}

type Played = Pick<Seen, 'missing' | 'unwanted'>;

interface Cast {
  readonly client: RawTcp;
  readonly server: RawTcp;
  /** A host beside the client, whose dials to the server pass the gateway; and one beside the server. */
  readonly third: Readonly<Record<Speaker, RawTcp>>;
  /** What is sent here arrives behind all that the same host has sent before. */
  readonly marks: RawConnection;
}

const { syn, psh, ack } = TCP_FLAGS;
const CONTROL_PORT = 21;
/** Of cases, in their order. */
const FIRST_CLIENT_PORT = 20_000;
const MARK_PORTS: Ports = { client: 19_999, server: CONTROL_PORT };
const DIAL_PORT = 19_998;
const FIRST_MARK_NUMBER = 1000;
const MARKS = {
  client: { direction: 'original', payload: 'NOOP\r\n' },
  server: { direction: 'reply', payload: '200 ok\r\n' },
} as const;

const BESIDE_CLIENT = { 4: '10.1.0.9', 6: '2001:db8:1::9' } as const;
const BESIDE_SERVER = { 4: '10.2.0.9', 6: '2001:db8:2::9' } as const;

/** Played last: when its expectation is known, so are all before it. */
const LAST: Case = { name: 'the last one', steps: [client(PORT), OK], opens: [40_000], refuses: [] };

const CASE_COMMENT = /\[(\d+):\d+\] .* --comment case-(\d+)/g;

export class Stage {
  readonly #topology: Topology;
  readonly #watch: ExpectationWatch;
  readonly #laboratory: Laboratory;
  /** The last one runs. */
  readonly #daemons: Daemon[];
  readonly #casts: Readonly<Record<Family, Cast>>;

  private constructor(
    laboratory: Laboratory,
    topology: Topology,
    watch: ExpectationWatch,
    daemons: Daemon[],
    casts: Readonly<Record<Family, Cast>>,
  ) {
    this.#laboratory = laboratory;
    this.#topology = topology;
    this.#watch = watch;
    this.#daemons = daemons;
    this.#casts = casts;
  }

  static async open(laboratory: Laboratory, reader: Reader, caseCount: number): Promise<Stage> {
    const topology = await buildTopology(laboratory, 'gateway');
    const { firewall } = topology;
    await keepOrder(topology);
    const helper = reader === 'kernel' ? KERNEL_HELPER : DEFAULT_ANCHOR;
    await restoreRules(firewall, filterRules('gateway', { ports: [CONTROL_PORT], helper }));
    await restoreRules(firewall, invalidCounters(caseCount));
    const watch = await ExpectationWatch.start(laboratory, firewall);
    if (reader === 'kernel') await attachKernelHelper(firewall, [CONTROL_PORT]);
    else await loadDaemonRules(firewall, [CONTROL_PORT]);
    const daemons = reader === 'kernel' ? [] : [await startDaemon(laboratory, topology)];
    const [four, six] = await Promise.all(FAMILIES.map((family) => castOf(topology, family)));
    if (four === undefined || six === undefined) throw new Error('a cast for each family');
    return new Stage(laboratory, topology, watch, daemons, { 4: four, 6: six });
  }

  /** Plays the cases one after the other, and answers what came of each. */
  async playAll(cases: readonly Case[]): Promise<readonly Seen[]> {
    const played: Played[] = [];
    for (const [at, each] of cases.entries()) {
      played.push(await this.#play(each, FIRST_CLIENT_PORT + at));
      // The next case may announce the same endpoint.
      await this.#topology.firewall.runChecked(['conntrack', '-F', 'expect']);
    }
    const lastPort = FIRST_CLIENT_PORT + cases.length;
    await this.#play(LAST, lastPort);
    await waitFor('the last expectation', () => this.#openedFrom(lastPort).length > 0);
    if (this.#daemons.length > 0) {
      await waitFor('the last decision', () => this.#decisionsOn(lastPort).length > 0);
    }
    const invalid = await this.#invalidCounts();
    return played.map((each, at) => {
      const port = FIRST_CLIENT_PORT + at;
      return {
        ...each,
        ...{ opened: this.#openedFrom(port), several: this.#hadSeveral(port) },
        ...{ decisions: this.#decisionsOn(port), invalid: invalid.get(port) ?? 0 },
      };
    });
  }

  /** Ends the daemon that runs, and answers all that ran. */
  async end(): Promise<readonly Daemon[]> {
    await this.#daemons.at(-1)?.stop();
    return this.#daemons;
  }

  /** The kernel's helper cannot be told to forget. */
  async #restart(): Promise<void> {
    const running = this.#daemons.at(-1);
    if (running === undefined) return;
    await running.stop();
    this.#daemons.push(await startDaemon(this.#laboratory, this.#topology));
  }

  async #play(each: Case, clientPort: number): Promise<Played> {
    const cast = this.#casts[each.family ?? 4];
    const ports = { client: clientPort, server: CONTROL_PORT };
    const connection = RawConnection.untranslated(cast.client, cast.server, ports);
    const outcomes: { readonly step: Step; readonly arrived: () => boolean }[] = [];
    let speaker: Speaker | undefined;
    for (const { step, progress } of scriptOf(each)) {
      const next = step.kind === 'segment' ? step.from : undefined;
      if (speaker !== undefined && speaker !== next) await passMark(cast, speaker);
      speaker = next;
      if (step.kind === 'restart') {
        await this.#restart();
        continue;
      }
      if (step.kind === 'dial') {
        outcomes.push({ step, arrived: await dialled(cast, step) });
        continue;
      }
      const segment = segmentOf(step, progress);
      const { to, label } = connection.send(segment);
      outcomes.push({ step, arrived: () => to.arrived(label)?.payload === segment.payload });
    }
    if (speaker !== undefined) await passMark(cast, speaker);
    const shouldArrive = (step: Step): boolean => fateOf(step) === 'arrives';
    return {
      missing: outcomes.flatMap(({ step, arrived }) => (shouldArrive(step) && !arrived() ? [step] : [])),
      unwanted: outcomes.flatMap(({ step, arrived }) => (!shouldArrive(step) && arrived() ? [step] : [])),
    };
  }

  #openedFrom(clientPort: number): readonly string[] {
    return this.#watch.events.flatMap(({ kind, master, tuple }) =>
      kind === 'NEW' && master.sourcePort === clientPort
        ? [`${tuple.destination}:${tuple.destinationPort}`]
        : [],
    );
  }

  #hadSeveral(clientPort: number): boolean {
    let open = 0;
    return this.#watch.events.some(({ kind, master }) => {
      if (master.sourcePort !== clientPort) return false;
      open += kind === 'NEW' ? 1 : -1;
      return open > 1;
    });
  }

  #decisionsOn(clientPort: number): readonly DecisionRecord[] {
    return this.#daemons
      .flatMap(({ decisions }) => decisions)
      .filter((decision) => decision.clientPort === clientPort);
  }

  /** By the client's port. */
  async #invalidCounts(): Promise<ReadonlyMap<number, number>> {
    const counts = new Map<number, number>();
    for (const program of ['iptables-save', 'ip6tables-save']) {
      const saved = await this.#topology.firewall.runChecked([program, '--counters', '--table', 'filter']);
      for (const [, packets, port] of saved.matchAll(CASE_COMMENT)) {
        counts.set(Number(port), (counts.get(Number(port)) ?? 0) + Number(packets));
      }
    }
    return counts;
  }
}

/** What arrives in what order is what the cases are about. */
async function keepOrder({ client, server, firewall }: Topology): Promise<void> {
  await Promise.all([
    ...[client, server].map(({ namespace }) => namespace.keepOrder(HOST_INTERFACE)),
    ...['inside', 'outside'].map((device) => firewall.keepOrder(device)),
  ]);
}

async function startDaemon(laboratory: Laboratory, { firewall }: Topology): Promise<Daemon> {
  return Daemon.start(laboratory, firewall, { ports: [CONTROL_PORT] });
}

/** Rules that count, for each case, what conntrack finds invalid. */
function invalidCounters(caseCount: number): string {
  const rules = Array.from({ length: caseCount }, (_, at) => {
    const port = FIRST_CLIENT_PORT + at;
    return `-I FORWARD -p tcp -m multiport --ports ${port} -m conntrack --ctstate INVALID -m comment --comment case-${port}`;
  });
  return ['*filter', ...rules, 'COMMIT', ''].join('\n');
}

async function castOf({ client, server }: Topology, family: Family): Promise<Cast> {
  await client.namespace.configure([addressLine(BESIDE_CLIENT[family])]);
  await server.namespace.configure([addressLine(BESIDE_SERVER[family])]);
  const start = async ({ namespace }: Host, address: string): Promise<RawTcp> =>
    RawTcp.start(namespace, address);
  const cast = {
    client: await start(client, client.address[family]),
    server: await start(server, server.address[family]),
    third: {
      client: await start(client, BESIDE_CLIENT[family]),
      server: await start(server, BESIDE_SERVER[family]),
    },
  };
  const marks = await RawConnection.begin(cast.client, cast.server, MARK_PORTS, FIRST_MARK_NUMBER);
  const answer = { sequence: FIRST_MARK_NUMBER, acknowledgment: FIRST_MARK_NUMBER + 1 };
  await marks.pass([{ ...BARE, ...answer, direction: 'reply', flags: syn | ack }]);
  await passMark({ ...cast, marks }, 'client');
  await passMark({ ...cast, marks }, 'server');
  return { ...cast, marks };
}

const addressLine = (address: string): string =>
  `address add ${address}${address.includes(':') ? '/64' : '/24'} dev ${HOST_INTERFACE}`;

/** A line of FTP, so that it waits in the queue behind other payload. Its numbers are the same each time. */
async function passMark({ marks }: Pick<Cast, 'marks'>, from: Speaker): Promise<void> {
  const number = FIRST_MARK_NUMBER + 1;
  const numbers = { sequence: number, acknowledgment: number };
  await marks.pass([{ ...MARKS[from], ...numbers, flags: psh | ack, sack: [] }]);
}

/** Sends the SYN, and after it one that the filter accepts, which arrives. */
async function dialled(cast: Cast, { from, to, port }: DialStep): Promise<() => boolean> {
  const target = cast[to];
  const source = from === 'third' ? cast.third[to === 'client' ? 'server' : 'client'] : cast[from];
  const segment = { ...BARE, sequence: 1, acknowledgment: 0, flags: syn };
  const label = source.send(DIAL_PORT, { address: target.address, port }, segment);
  await RawConnection.begin(source, target, { client: DIAL_PORT, server: CONTROL_PORT }, 1);
  return () => target.arrived(label) !== undefined;
}
