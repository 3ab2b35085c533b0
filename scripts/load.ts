/**
 * Control connections by the hundred thousand, as packets in memory: what each of them costs in memory, what a packet costs
 * among them, and that the announcement of each is still decided. Numbers of one run on one machine: compare the rows.
 *
 *     npm run load -- --connections 1000,10000,100000
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { DEFAULT_POLICY } from '../src/ftp/policy.js';
import { FtpHelper } from '../src/helper/ftp-helper.js';
import { invertTuple } from '../src/wire/tuple.js';
import { ControlPackets } from './load/control-packets.js';

/** Ordinary exchanges of each connection, over which a packet's cost is the mean. */
const ROUNDS = 4;
const CAPACITY = 262_144;
const NANOSECONDS = 1e6;

interface Row {
  readonly connections: number;
  readonly bytesEach: number;
  readonly nanosecondsEach: number;
  readonly decided: number;
}

function newHelper(capacity: number): FtpHelper {
  let id = 0;
  return new FtpHelper({
    policy: DEFAULT_POLICY,
    ports: [21],
    lookup: (seen) => {
      const original = seen.destinationPort === 21 ? seen : invertTuple(seen);
      return { original, reply: invertTuple(original), id: ++id };
    },
    capacity,
    maxConnectionsPerClient: capacity,
    seed: 1,
  });
}

function memoryInUse(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Opens so many connections, has them talk in turn, and has each announce. */
function measure(connections: number): Row {
  const before = memoryInUse();
  // As the daemon's table is by default: its size belongs to the cost.
  const helper = newHelper(CAPACITY);
  const packets = new ControlPackets(helper);
  for (let each = 0; each < connections; each++) packets.login(each);
  const bytesEach = (memoryInUse() - before) / connections;
  const began = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    for (let each = 0; each < connections; each++) packets.exchange(each);
  }
  const elapsed = (performance.now() - began) * NANOSECONDS;
  for (let each = 0; each < connections; each++) packets.announce(each);
  const { expected } = helper.counters;
  return { connections, bytesEach, nanosecondsEach: elapsed / (ROUNDS * 2 * connections), decided: expected };
}

/** Each row in a process of its own: what one leaves behind is no cost of the next. */
function measureApart(connections: number): Row {
  const command = [...process.execArgv, fileURLToPath(import.meta.url), '--row', String(connections)];
  const { stdout } = spawnSync(process.execPath, command, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  return JSON.parse(stdout) as Row;
}

function printTable(counts: readonly number[]): void {
  const titles = ['connections', 'bytes each', 'ns a packet', 'decided'];
  console.log(titles.map((title) => title.padStart(14)).join(''));
  for (const count of counts) {
    const { bytesEach, nanosecondsEach, decided } = measureApart(count);
    const columns = [count, Math.round(bytesEach), Math.round(nanosecondsEach), decided];
    console.log(columns.map((column) => String(column).padStart(14)).join(''));
    if (decided !== count) process.exitCode = 1;
  }
}

const { connections, row } = new Command('load')
  .option('--connections <list>', 'how many at once', '1000,10000,100000')
  .option('--row <number>', 'one row, as JSON')
  .parse()
  .opts<{ connections: string; row?: string }>();
if (row === undefined) printTable(connections.split(',').map(Number));
else console.log(JSON.stringify(measure(Number(row))));
