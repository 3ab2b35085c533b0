import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Shim } from './shim.js';
import { AddonLab } from './addon-lab.js';

const QUEUE_RULE = '-t mangle -A OUTPUT -p udp --dport 4000 -j NFQUEUE --queue-num 0';
const UNKNOWN_FLAG = 0x80;
const EPERM = 1;
const EMFILE = 24;

describe('opening a queue', () => {
  let lab: AddonLab;
  let shim: Shim;

  beforeAll(async () => {
    lab = await AddonLab.build([QUEUE_RULE]);
    shim = await Shim.build();
  });
  afterAll(async () => {
    await lab.remove();
    shim.remove();
  });

  it('gets every setting from a complete kernel', async () => {
    await expect(lab.run('options', 'refusals, and whether it works all the same')).resolves.toEqual({
      refusals: [],
      texts: ['text'],
    });
  });

  it('reports that the kernel lacks fail-open, and works without it', async () => {
    const env = shim.environment({ CONFIG_FLAGS: UNKNOWN_FLAG });
    await expect(lab.run('options', 'refusals, and whether it works all the same', { env })).resolves.toEqual(
      { refusals: ['fail-open: ENOTSUP'], texts: ['text'] },
    );
  });

  it('reports that the receive buffer could not be enlarged, and works with the smaller one', async () => {
    // Root in its own user namespace may bind queues there, but not exceed net.core.rmem_max.
    const prepare = `ip link set lo up && iptables ${QUEUE_RULE} && exec "$@"`;
    const launcher = ['unshare', '--user', '--map-root-user', '--net', 'sh', '-c', prepare, 'sh'];
    await expect(
      lab.run('options', 'refusals, and whether it works all the same', { launcher }),
    ).resolves.toEqual({ refusals: ['receive buffer of 16777216 bytes: EPERM'], texts: ['text'] });
  });

  it('accepts packets before the last acknowledgement, and passes later ones to JavaScript', async () => {
    const env = shim.environment({ BEFORE_ACK: 'printf early | bash -c "cat > /dev/udp/127.0.0.1/4000"' });
    await expect(lab.run('options', 'packets seen and received', { env })).resolves.toEqual({
      seen: ['later'],
      received: ['early', 'later'],
    });
  });

  it('with fail-open accepts packets that do not fit, ahead of those that wait', async () => {
    await expect(
      lab.run('options', 'more packets than the queue takes', { argument: true }),
    ).resolves.toEqual(['text2', 'text3', 'text4', 'text0', 'text1', 'last']);
  });

  it('without fail-open drops packets that do not fit', async () => {
    await expect(
      lab.run('options', 'more packets than the queue takes', { argument: false }),
    ).resolves.toEqual(['text0', 'text1', 'last']);
  });

  it('fails for exactly the queue that another socket has, and only that long', async () => {
    await expect(lab.run('options', 'the queue is taken, then free again')).resolves.toEqual({
      class: 'Error',
      message: 'bind to queue 0: EPERM (Operation not permitted)',
      errno: EPERM,
      code: 'EPERM',
      operation: 'bind to queue 0',
    });
  });

  it('fails without CAP_NET_ADMIN', async () => {
    await expect(lab.run('options', 'without permission')).resolves.toMatchObject({
      message: 'bind to queue 0: EPERM (Operation not permitted)',
    });
  });

  it('fails without free descriptors', async () => {
    const launcher = ['prlimit', '--nofile=100'];
    await expect(lab.run('options', 'without descriptors', { launcher })).resolves.toEqual({
      exhausted: 'EMFILE',
      error: {
        class: 'Error',
        message: 'open a netfilter netlink socket: EMFILE (Too many open files)',
        errno: EMFILE,
        code: 'EMFILE',
        operation: 'open a netfilter netlink socket',
      },
    });
  });
});
