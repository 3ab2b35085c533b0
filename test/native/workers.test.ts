import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stage } from './stage.js';

describe('worker threads', () => {
  let stage: Stage;

  beforeAll(async () => {
    const queued = '-t mangle -A OUTPUT -p udp --dport 4000';
    stage = await Stage.build([
      `${queued} -d 127.0.0.1 -j NFQUEUE --queue-num 0 --queue-bypass`,
      `${queued} -d 127.0.0.2 -j NFQUEUE --queue-num 1 --queue-bypass`,
    ]);
  });
  afterAll(async () => {
    await stage.remove();
  });

  it('load the addon, serve a queue and end', async () => {
    await expect(stage.play('workers', 'a worker serves the queue and ends')).resolves.toEqual({
      texts: ['text0', 'text1', 'text2'],
      count: 3,
      status: 0,
    });
  });

  it('have environments of their own, beside that of the main thread', async () => {
    await expect(stage.play('workers', 'the main thread and a worker have a queue each')).resolves.toEqual({
      inMain: 2,
      inWorker: 1,
    });
  });

  it.each(['count and close', 'never return'])(
    'may be terminated with everything open (%s), and their queue is free',
    async (task) => {
      await stage.play('workers', 'workers are terminated', { argument: task });
    },
  );

  it('may exit with everything open', async () => {
    await expect(stage.play('workers', 'a worker that ends with everything open')).resolves.toBe(7);
  });

  it('fail by what their callback throws', async () => {
    await expect(stage.play('workers', 'a worker whose callback throws')).resolves.toBe('on purpose');
  });

  it('may be running when the process exits', async () => {
    const ending = await stage.playToEnd('workers', 'the process ends while workers run');
    expect(ending).toMatchObject({ status: 0, stderr: '' });
  });
});
