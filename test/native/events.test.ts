import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AddonLab } from './addon-lab.js';

const CONNTRACK_NEW = 0x100;
const CONNTRACK_DESTROY = 0x102;

describe('an event socket', () => {
  let lab: AddonLab;

  beforeAll(async () => {
    lab = await AddonLab.build(['-A OUTPUT -m conntrack --ctstate INVALID -j DROP']);
  });
  afterAll(async () => {
    await lab.remove();
  });

  it('reports new and ended connections', async () => {
    const { seen, overruns } = await lab.run<{ seen: number[]; overruns: number }>(
      'events',
      'connections come and go',
    );
    expect(seen.filter((type) => type === CONNTRACK_NEW)).toHaveLength(2);
    expect(seen.filter((type) => type === CONNTRACK_DESTROY)).toHaveLength(2);
    expect(overruns).toBe(0);
  });

  it('delivers many events in few calls', async () => {
    await expect(lab.run('events', 'many events', { argument: 500 })).resolves.toEqual({
      seen: 500,
      fewerCalls: true,
      overruns: 0,
    });
  });

  it('counts overruns and recovers from them', async () => {
    await expect(lab.run('events', 'more events than the receive buffer holds')).resolves.toEqual({
      lost: true,
      overruns: 1,
    });
  });

  it('can be closed inside its callback', async () => {
    await lab.run('events', 'closing inside the callback');
  });

  it('raises the exception that its callback throws', async () => {
    await expect(lab.run('events', 'the callback throws')).resolves.toBe('on purpose');
  });

  it('cannot join a group that does not exist', async () => {
    await expect(lab.run('events', 'a group that does not exist')).resolves.toEqual({
      class: 'Error',
      message: 'join netfilter group 60000: EINVAL (Invalid argument)',
      errno: 22,
      code: 'EINVAL',
      operation: 'join netfilter group 60000',
    });
  });
});
