/**
 * What the connections of the part `queue` say, who reads it, and what is wanted of the daemon there.
 *
 * @module
 */
import type { Goal } from './trial.js';

export interface QueueMix {
  readonly name: string;
  /** What is measured, as a sentence. */
  readonly title: string;
  /** As the generator calls it. */
  readonly flood: 'none' | 'some' | 'only';
  /** Names of those that take turns. */
  readonly readers: readonly string[];
  /** The one that the others are compared with. */
  readonly against: string;
  /** Whether readers may use the generator's processor as well. */
  readonly anyProcessor: boolean;
  readonly goals: readonly Goal[];
}

const OURS = 'conntrack-ftp';
const NPM = 'npm nfqueue';
const ONE_BY_ONE = 'C, one by one';
/** The reader that spends least on what all have to do. */
const BATCHES = 'C, batches';
/** Does in a plain way what the daemon does. */
const EXPECTING = 'C, libnetfilter_conntrack';

/** With that many workers, each with its queue. */
export const WORKERS: Readonly<Record<string, number>> = {
  'conntrack-ftp, 2 workers': 2,
  'conntrack-ftp, 4 workers': 4,
};

const emptying = { trial: OURS, column: 'emptying' };

/** The processor time as well: it has the collection of garbage in it, which announcements make and C does not. */
const EXPECTING_GOALS: readonly Goal[] = [
  { ...emptying, over: EXPECTING, atLeast: 1 },
  { trial: OURS, column: 'emptyingNanoseconds', over: EXPECTING, atMost: 1 },
];

export const QUEUE_MIXES: readonly QueueMix[] = [
  {
    name: 'no announcements',
    title: 'Commands and replies that announce nothing, through the queue of a gateway',
    flood: 'none',
    readers: [OURS, ONE_BY_ONE, BATCHES, NPM],
    against: BATCHES,
    anyProcessor: false,
    goals: [
      { ...emptying, over: ONE_BY_ONE, atLeast: 2.5 },
      { ...emptying, over: BATCHES, atLeast: 0.95 },
      { ...emptying, over: NPM, atLeast: 4 },
      { trial: OURS, column: 'emptyingNanoseconds', over: BATCHES, atMost: 1.1 },
    ],
  },
  {
    name: '1 % announcements',
    title: 'An announcement in one of a hundred packets, through the queue of a gateway',
    flood: 'some',
    readers: [OURS, EXPECTING, ONE_BY_ONE],
    against: EXPECTING,
    anyProcessor: false,
    goals: EXPECTING_GOALS,
  },
  {
    name: 'only announcements',
    title: 'An announcement in each packet, through the queue of a gateway',
    flood: 'only',
    readers: [OURS, EXPECTING, ONE_BY_ONE],
    against: EXPECTING,
    anyProcessor: false,
    goals: EXPECTING_GOALS,
  },
  {
    name: 'workers',
    title: 'Commands and replies that announce nothing, through as many queues as there are workers',
    flood: 'none',
    readers: [OURS, ...Object.keys(WORKERS)],
    against: OURS,
    anyProcessor: true,
    goals: [],
  },
];
