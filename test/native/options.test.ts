import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Shim } from './shim.js';
import { Stage } from './stage.js';

const QUEUE_RULE = '-t mangle -A OUTPUT -p udp --dport 4000 -j NFQUEUE --queue-num 0';
const UNKNOWN_FLAG = 0x80;
const EPERM = 1;
const EMFILE = 24;

describe('opening a queue', () => {
  let stage: Stage;
  let shim: Shim;

  beforeAll(async () => {
    stage = await Stage.build([QUEUE_RULE]);
    shim = await Shim.build();
  });
  afterAll(async () => {
    await stage.remove();
    shim.remove();
  });

  it('is refused nothing by a whole kernel', async () => {
    await expect(stage.play('options', 'refusals, and whether it works all the same')).resolves.toEqual({
      refusals: [],
      texts: ['text'],
    });
  });

  it('tells that the kernel knows no fail-open, and works without', async () => {
    const env = shim.environment({ CONFIG_FLAGS: UNKNOWN_FLAG });
    await expect(
      stage.play('options', 'refusals, and whether it works all the same', { env }),
    ).resolves.toEqual({ refusals: ['fail-open: ENOTSUP'], texts: ['text'] });
  });

  it('tells that the receive buffer could not be enlarged, and works with what there is', async () => {
    // Root in a user namespace of its own may bind queues there, but not go beyond net.core.rmem_max.
    const prepare = `ip link set lo up && iptables ${QUEUE_RULE} && exec "$@"`;
    const launcher = ['unshare', '--user', '--map-root-user', '--net', 'sh', '-c', prepare, 'sh'];
    await expect(
      stage.play('options', 'refusals, and whether it works all the same', { launcher }),
    ).resolves.toEqual({ refusals: ['receive buffer of 16777216 bytes: EPERM'], texts: ['text'] });
  });

  it('gives packets that overtake the last acknowledgement their verdict, and JavaScript those after it', async () => {
    const env = shim.environment({ BEFORE_ACK: 'printf early | bash -c "cat > /dev/udp/127.0.0.1/4000"' });
    await expect(stage.play('options', 'packets seen and received', { env })).resolves.toEqual({
      seen: ['later'],
      received: ['early', 'later'],
    });
  });

  it('with fail-open lets pass what finds no room, before what waits', async () => {
    await expect(
      stage.play('options', 'more packets than the queue takes', { argument: true }),
    ).resolves.toEqual(['text2', 'text3', 'text4', 'text0', 'text1', 'last']);
  });

  it('without fail-open drops what finds no room', async () => {
    await expect(
      stage.play('options', 'more packets than the queue takes', { argument: false }),
    ).resolves.toEqual(['text0', 'text1', 'last']);
  });

  it('fails while another socket has it, and only that queue, and only so long', async () => {
    await expect(stage.play('options', 'the queue is taken, then free again')).resolves.toEqual({
      class: 'Error',
      message: 'bind to queue 0: EPERM (Operation not permitted)',
      errno: EPERM,
      code: 'EPERM',
      operation: 'bind to queue 0',
    });
  });

  it('fails without CAP_NET_ADMIN', async () => {
    await expect(stage.play('options', 'without permission')).resolves.toMatchObject({
      message: 'bind to queue 0: EPERM (Operation not permitted)',
    });
  });

  it('fails without descriptors', async () => {
    const launcher = ['prlimit', '--nofile=100'];
    await expect(stage.play('options', 'without descriptors', { launcher })).resolves.toEqual({
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
