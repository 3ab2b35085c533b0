import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AddonLab } from './addon-lab.js';

/** Node's exit code if the event loop is empty but a top-level await is pending. */
const UNSETTLED = 13;

describe('the lifetime of a native socket', () => {
  let lab: AddonLab;

  beforeAll(async () => {
    lab = await AddonLab.build([
      '-t mangle -A OUTPUT -p udp --dport 4000 -j NFQUEUE --queue-num 0 --queue-bypass',
    ]);
  });
  afterAll(async () => {
    await lab.remove();
  });

  it('can be ended twice', async () => {
    await lab.run('lifecycle', 'closing twice');
  });

  it('can be ended inside the callback, whose batch still gets its verdicts', async () => {
    await expect(lab.run('lifecycle', 'closing inside the callback')).resolves.toEqual({
      calls: 1,
      texts: ['text0', 'text2', 'text3'],
      index: true,
    });
  });

  it('has no callbacks after its end, even if more packets wait', async () => {
    await expect(
      lab.run('lifecycle', 'closing inside the callback, with more batches waiting'),
    ).resolves.toEqual({ calls: 1, texts: ['text0', 'text1'] });
  });

  it('continues while the queue is open, even without references to it', async () => {
    await expect(lab.run('lifecycle', 'an open queue that is forgotten')).resolves.toBe(1);
  });

  it('ends by garbage collection once the queue is closed', async () => {
    await lab.run('lifecycle', 'a closed queue that is forgotten');
  });

  it('may be shorter than that of its tables', async () => {
    await expect(lab.run('lifecycle', 'tables outlive their queue')).resolves.toBe(true);
  });

  it('of a request socket ends by garbage collection', async () => {
    await expect(lab.run('lifecycle', 'request sockets that are forgotten', { argument: 100 })).resolves.toBe(
      100,
    );
  });

  it.each(['QueueSocket', 'EventSocket', 'RequestSocket'])(
    'of a %s leaks neither descriptors nor memory in 1,000 cycles',
    async (socket) => {
      const growth = await lab.run<{ descriptors: number; bytesPerCycle: number }>(
        'lifecycle',
        'opened and closed many times',
        { argument: { socket, cycles: 1000 } },
      );
      expect(growth.descriptors).toBe(0);
      // A leaked slab or table would take at least a page each time; heap growth is smaller.
      expect(growth.bytesPerCycle).toBeLessThan(2048);
    },
  );

  it('keeps the process running exactly while a queue or event socket is open', async () => {
    await lab.run('lifecycle', 'nothing is left to do');
    for (const argument of ['QueueSocket', 'EventSocket']) {
      await expect(
        lab.run('lifecycle', 'an open socket keeps the process running', { argument }),
      ).resolves.toBe('it still ran');
    }
    const ending = await lab.runToEnd('lifecycle', 'an open socket keeps the process running', {
      argument: 'RequestSocket',
    });
    expect(ending).toMatchObject({ status: UNSETTLED, stdout: '' });
  });

  it.each(['process.exit with everything open', 'process.exit inside the callback'])(
    'can end with %s',
    async (scenario) => {
      const ending = await lab.runToEnd('lifecycle', scenario);
      expect(ending).toMatchObject({ status: 0, stderr: '' });
      await expect(lab.packetsWaiting(0)).resolves.toBeUndefined();
    },
  );

  it('ends with the process, however the process ends', async () => {
    const ending = await lab.runToEnd('lifecycle', 'a termination signal');
    expect(ending).toMatchObject({ status: undefined, stderr: '' });
    await expect(lab.packetsWaiting(0)).resolves.toBeUndefined();
  });
});
