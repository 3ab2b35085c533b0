import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stage } from './stage.js';

const CONNTRACK_NEW = 0x100;
const CONNTRACK_DESTROY = 0x102;

describe('an event socket', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.build(['-A OUTPUT -m conntrack --ctstate INVALID -j DROP']);
  });
  afterAll(async () => {
    await stage.remove();
  });

  it('tells of connections that come and go', async () => {
    const { seen, overruns } = await stage.play<{ seen: number[]; overruns: number }>(
      'events',
      'connections come and go',
    );
    expect(seen.filter((type) => type === CONNTRACK_NEW)).toHaveLength(2);
    expect(seen.filter((type) => type === CONNTRACK_DESTROY)).toHaveLength(2);
    expect(overruns).toBe(0);
  });

  it('tells of many in few calls', async () => {
    await expect(stage.play('events', 'many events', { argument: 500 })).resolves.toEqual({
      seen: 500,
      fewerCalls: true,
      overruns: 0,
    });
  });

  it('counts overruns, and goes on after them', async () => {
    await expect(stage.play('events', 'more events than the receive buffer holds')).resolves.toEqual({
      lost: true,
      overruns: 1,
    });
  });

  it('may be closed inside its callback', async () => {
    await stage.play('events', 'closing inside the callback');
  });

  it('raises what its callback throws', async () => {
    await expect(stage.play('events', 'the callback throws')).resolves.toBe('on purpose');
  });

  it('cannot join a group that does not exist', async () => {
    await expect(stage.play('events', 'a group that does not exist')).resolves.toEqual({
      class: 'Error',
      message: 'join netfilter group 60000: EINVAL (Invalid argument)',
      errno: 22,
      code: 'EINVAL',
      operation: 'join netfilter group 60000',
    });
  });
});
