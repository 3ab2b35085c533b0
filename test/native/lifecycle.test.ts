import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stage } from './stage.js';

/** What Node ends with when nothing is left that could settle what the program waits for. */
const UNSETTLED = 13;

describe('the life of a native socket', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.build([
      '-t mangle -A OUTPUT -p udp --dport 4000 -j NFQUEUE --queue-num 0 --queue-bypass',
    ]);
  });
  afterAll(async () => {
    await stage.remove();
  });

  it('may be ended twice', async () => {
    await stage.play('lifecycle', 'closing twice');
  });

  it('may be ended inside the callback, whose batch still gets its verdicts', async () => {
    await expect(stage.play('lifecycle', 'closing inside the callback')).resolves.toEqual({
      calls: 1,
      texts: ['text0', 'text2', 'text3'],
      index: true,
    });
  });

  it('has no callbacks after its end, even where more packets wait', async () => {
    await expect(
      stage.play('lifecycle', 'closing inside the callback, with more batches waiting'),
    ).resolves.toEqual({ calls: 1, texts: ['text0', 'text1'] });
  });

  it('goes on while the queue is open, whether anybody refers to it or not', async () => {
    await expect(stage.play('lifecycle', 'an open queue that is forgotten')).resolves.toBe(1);
  });

  it('ends in the garbage collector once the queue is closed', async () => {
    await stage.play('lifecycle', 'a closed queue that is forgotten');
  });

  it('is shorter than that of its tables, where those are kept', async () => {
    await expect(stage.play('lifecycle', 'tables outlive their queue')).resolves.toBe(true);
  });

  it('of a request socket ends in the garbage collector', async () => {
    await expect(
      stage.play('lifecycle', 'request sockets that are forgotten', { argument: 100 }),
    ).resolves.toBe(100);
  });

  it.each(['QueueSocket', 'EventSocket', 'RequestSocket'])(
    'of a %s leaks neither descriptors nor memory in 1,000 cycles',
    async (socket) => {
      const growth = await stage.play<{ descriptors: number; bytesPerCycle: number }>(
        'lifecycle',
        'opened and closed many times',
        { argument: { socket, cycles: 1000 } },
      );
      expect(growth.descriptors).toBe(0);
      // A leaked slab or table would be at least a page each time; what the heaps grow and shrink by is less.
      expect(growth.bytesPerCycle).toBeLessThan(2048);
    },
  );

  it('keeps the process running while a queue or event socket is open, and no longer', async () => {
    await stage.play('lifecycle', 'nothing is left to do');
    for (const argument of ['QueueSocket', 'EventSocket']) {
      await expect(
        stage.play('lifecycle', 'an open socket keeps the process running', { argument }),
      ).resolves.toBe('it still ran');
    }
    const ending = await stage.playToEnd('lifecycle', 'an open socket keeps the process running', {
      argument: 'RequestSocket',
    });
    expect(ending).toMatchObject({ status: UNSETTLED, stdout: '' });
  });

  it.each(['process.exit with everything open', 'process.exit inside the callback'])(
    'may end with %s',
    async (scenario) => {
      const ending = await stage.playToEnd('lifecycle', scenario);
      expect(ending).toMatchObject({ status: 0, stderr: '' });
      await expect(stage.packetsWaiting(0)).resolves.toBeUndefined();
    },
  );

  it('ends with the process, whatever ends that', async () => {
    const ending = await stage.playToEnd('lifecycle', 'a termination signal');
    expect(ending).toMatchObject({ status: undefined, stderr: '' });
    await expect(stage.packetsWaiting(0)).resolves.toBeUndefined();
  });
});
