import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AddonLab } from './addon-lab.js';

describe('worker threads', () => {
  let lab: AddonLab;

  beforeAll(async () => {
    const queued = '-t mangle -A OUTPUT -p udp --dport 4000';
    lab = await AddonLab.build([
      `${queued} -d 127.0.0.1 -j NFQUEUE --queue-num 0 --queue-bypass`,
      `${queued} -d 127.0.0.2 -j NFQUEUE --queue-num 1 --queue-bypass`,
    ]);
  });
  afterAll(async () => {
    await lab.remove();
  });

  it('load the addon, serve a queue and end', async () => {
    await expect(lab.run('workers', 'a worker serves the queue and ends')).resolves.toEqual({
      texts: ['text0', 'text1', 'text2'],
      count: 3,
      status: 0,
    });
  });

  it("have their own environments, besides the main thread's", async () => {
    await expect(lab.run('workers', 'the main thread and a worker have a queue each')).resolves.toEqual({
      inMain: 2,
      inWorker: 1,
    });
  });

  it.each(['count and close', 'never return'])(
    'can be terminated with everything open (%s), which frees their queue',
    async (task) => {
      await lab.run('workers', 'workers are terminated', { argument: task });
    },
  );

  it('can exit with everything open', async () => {
    await expect(lab.run('workers', 'a worker that ends with everything open')).resolves.toBe(7);
  });

  it('fail with the error that their callback throws', async () => {
    await expect(lab.run('workers', 'a worker whose callback throws')).resolves.toBe('on purpose');
  });

  it('can be running when the process exits', async () => {
    const ending = await lab.runToEnd('workers', 'the process ends while workers run');
    expect(ending).toMatchObject({ status: 0, stderr: '' });
  });
});
