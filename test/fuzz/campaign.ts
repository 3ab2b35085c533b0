/**
 * Feeds a target with changed inputs until its time or its iterations are over. Where coverage is at hand, inputs that
 * reach blocks which none reached before, or reach one far more often, join the pool that further ones are made from.
 *
 * @module
 */
import type { Coverage } from './coverage.js';
import { mutate } from './mutation.js';
import { Random } from './random.js';
import type { Target } from './target.js';

export interface CampaignLimits {
  readonly seconds: number;
  readonly iterations: number;
}

/** An input that made the target throw. */
export interface Crash {
  readonly input: Buffer;
  readonly error: unknown;
}

export interface CampaignReport {
  readonly target: string;
  readonly seed: number;
  readonly iterations: number;
  readonly seconds: number;
  /** Inputs to make others from: the corpus, and what was found beside it. */
  readonly pool: number;
  /** Different blocks of the sources that were reached; 0 where nobody looked. */
  readonly blocks: number;
  /** One for each place in the sources that threw. */
  readonly crashes: readonly Crash[];
}

/** Looking costs as much as some runs: one look for several of them. */
const RUNS_PER_LOOK = 16;
/** So many crashes of different places, and the target is broken rather than wrong. */
const MOST_CRASHES = 20;

export function fuzz(
  target: Target,
  seed: number,
  limits: CampaignLimits,
  coverage?: Coverage,
): CampaignReport {
  const campaign = new Campaign(target, seed, coverage);
  const begun = performance.now();
  const seconds = (): number => (performance.now() - begun) / 1000;
  campaign.runCorpus();
  while (campaign.iterations < limits.iterations && seconds() < limits.seconds && !campaign.broken) {
    campaign.runSome(Math.min(RUNS_PER_LOOK, limits.iterations - campaign.iterations));
  }
  return campaign.report(seconds());
}

class Campaign {
  iterations = 0;
  readonly #target: Target;
  readonly #seed: number;
  readonly #random: Random;
  readonly #coverage: Coverage | undefined;
  readonly #pool: Buffer[];
  /** By block: the bits of the orders of magnitude in which it was seen to run. */
  readonly #reached = new Map<string, number>();
  readonly #crashes = new Map<string, Crash>();

  constructor(target: Target, seed: number, coverage: Coverage | undefined) {
    this.#target = target;
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#coverage = coverage;
    this.#pool = [...target.corpus];
  }

  get broken(): boolean {
    return this.#crashes.size >= MOST_CRASHES;
  }

  runCorpus(): void {
    this.#coverage?.take();
    for (const input of this.#target.corpus) this.#run(input);
    this.#isNew();
  }

  runSome(count: number): void {
    const inputs = Array.from({ length: count }, () => mutate(this.#target, this.#pool, this.#random));
    for (const input of inputs) this.#run(input);
    if (!this.#isNew(false)) return;
    // One of them reached something: once more, one by one, to see which.
    for (const input of inputs) {
      this.#run(input);
      if (this.#isNew()) this.#pool.push(input);
    }
  }

  report(seconds: number): CampaignReport {
    return {
      target: this.#target.name,
      seed: this.#seed,
      iterations: this.iterations,
      seconds,
      pool: this.#pool.length,
      blocks: this.#reached.size,
      crashes: [...this.#crashes.values()],
    };
  }

  #run(input: Buffer): void {
    this.iterations++;
    try {
      this.#target.run(Buffer.from(input));
    } catch (error) {
      const place = placeOf(error);
      const known = this.#crashes.get(place);
      if (known === undefined || input.length < known.input.length)
        this.#crashes.set(place, { input, error });
    }
  }

  /** Whether what ran since the last look did something new; notes it unless it is to be looked at again. */
  #isNew(note = true): boolean {
    if (this.#coverage === undefined) return false;
    let isNew = false;
    for (const [block, count] of this.#coverage.take()) {
      // Of a whole batch only the block counts: its runs add up.
      const magnitude = note ? 1 << Math.min(31, Math.floor(Math.log2(count))) : 0;
      const before = this.#reached.get(block);
      if (before !== undefined && (before & magnitude) === magnitude) continue;
      isNew = true;
      if (note) this.#reached.set(block, (before ?? 0) | magnitude);
    }
    return isNew;
  }
}

/** What tells one crash from another: the message without its numbers, and where it was thrown. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [place = ''] = (error.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
  return `${error.message.split('\n')[0]?.replace(/\d+/g, 'N') ?? ''} ${place.trim()}`;
}
