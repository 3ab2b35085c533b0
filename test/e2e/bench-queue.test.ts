/**
 * The benchmark's part `queue`: each reader that can be built here gives verdicts to packets. No figure is judged. What is only
 * installed for the benchmark itself, libnetfilter_queue and npm's `nfqueue`, is tried where it is.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { buildProgram, nfqueueFolder } from '../../scripts/bench/queue-programs.js';
import { queueReaders } from '../../scripts/bench/queue-readers.js';
import { measureReader } from '../../scripts/bench/queue.js';
import { run } from '../lab/command.js';

/** The least that there is. */
const TINY = 0.01;

const readers = queueReaders();
const library = await run(['pkg-config', '--exists', 'libnetfilter_queue']);
const hasLibrary = library.status === 0;

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
  if (hasLibrary) await buildProgram('one-by-one');
});

describe('packets of the flood get their verdict', () => {
  it('from the daemon, which reads them all', async () => {
    await expectVerdicts('conntrack-ftp');
  });

  it('from C in batches', async () => {
    await expectVerdicts('C, batches');
  });

  it.runIf(hasLibrary)('from C one by one', async () => {
    await expectVerdicts('C, one by one');
  });

  it.runIf(nfqueueFolder() !== undefined)('from npm nfqueue', async () => {
    await expectVerdicts('npm nfqueue');
  });
});
