/**
 * The benchmark's part `queue`: its readers give verdicts to packets. No figure is judged. npm's `nfqueue`, which the
 * benchmark installs for itself, is not tried here.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../../scripts/bench/queue-programs.js';
import { queueReaders } from '../../scripts/bench/queue-readers.js';
import { measureReader } from '../../scripts/bench/queue.js';

/** The least that there is. */
const TINY = 0.01;

const readers = queueReaders();

async function expectVerdicts(name: string): Promise<void> {
  const startReader = readers[name];
  if (startReader === undefined) throw new Error(`no reader ${name}`);
  const figures = await measureReader(startReader, TINY);
  expect(figures['live']).toBeGreaterThan(0);
  expect(figures['emptying']).toBeGreaterThan(0);
}

beforeAll(async () => {
  await buildProgram('flood');
  await buildProgram('batches');
  await buildProgram('one-by-one');
});

describe('packets of the flood get their verdict', () => {
  it('from the daemon, which reads them all', async () => {
    await expectVerdicts('conntrack-ftp');
  });

  it('from C in batches', async () => {
    await expectVerdicts('C, batches');
  });

  it('from C one by one', async () => {
    await expectVerdicts('C, one by one');
  });
});
