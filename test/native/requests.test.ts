import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AddonLab } from './addon-lab.js';

const NLMSG_ERROR = 2;
const EPERM = 1;
const ERANGE = 34;
const CONNECTIONS = 400;

describe('a transaction', () => {
  let lab: AddonLab;

  beforeAll(async () => {
    lab = await AddonLab.build(['-A OUTPUT -m conntrack --ctstate INVALID -j DROP']);
  });
  afterAll(async () => {
    await lab.remove();
  });

  const acknowledged = (sequence: number) => ({ type: NLMSG_ERROR, sequence, error: 0 });

  it('returns the acknowledgement, addressed to the port id of the socket', async () => {
    const { messages, portId } = await lab.run<{ messages: unknown[]; portId: number }>(
      'requests',
      'an acknowledgement',
    );
    expect(messages).toEqual([{ ...acknowledged(7), portId }]);
    expect(portId).toBeGreaterThan(0);
  });

  it("returns the kernel's answer to a request that it cannot read", async () => {
    await expect(lab.run('requests', 'an error with a text')).resolves.toMatchObject([
      { type: NLMSG_ERROR, sequence: 8, error: -ERANGE, text: 'Attribute failed policy validation' },
    ]);
  });

  it('returns an answer to each message, in order, even after a rejected one', async () => {
    await expect(lab.run('requests', 'several messages in one request')).resolves.toMatchObject([
      acknowledged(1),
      { type: NLMSG_ERROR, sequence: 2, error: -ERANGE },
      acknowledged(3),
    ]);
  });

  it('without permission returns the rejection: the system calls succeeded', async () => {
    await expect(lab.run('requests', 'without permission')).resolves.toMatchObject([
      { type: NLMSG_ERROR, error: -EPERM },
    ]);
  });

  it('writes no byte outside the given view', async () => {
    await expect(lab.run('requests', 'only the view of the response is written')).resolves.toBe(true);
  });

  describe('that dumps', () => {
    beforeAll(async () => {
      const script = `for port in $(seq 1 ${CONNECTIONS}); do echo > /dev/udp/127.0.0.1/$port; done; true`;
      await lab.namespace.runChecked(['bash', '-c', `(${script}) 2>/dev/null`]);
    });

    it('returns all parts, to the end', async () => {
      const count = await lab.namespace.runChecked(['cat', '/proc/sys/net/netfilter/nf_conntrack_count']);
      expect(Number(count)).toBeGreaterThanOrEqual(CONNECTIONS);
      await expect(lab.run('requests', 'a dump', { argument: Number(count) })).resolves.toEqual({
        connections: true,
        last: true,
        sequences: [9],
      });
    });

    it('throws if the response does not fit, and leaves nothing for the next', async () => {
      const message = (room: number): string =>
        `receive an answer of more than ${room} bytes: EMSGSIZE (Message too long)`;
      await expect(
        lab.run('requests', 'a response that is too small', { argument: 20_000 }),
      ).resolves.toMatchObject({
        errors: [
          { class: 'Error', code: 'EMSGSIZE', errno: 90, message: message(20_000) },
          { class: 'Error', code: 'EMSGSIZE', errno: 90, message: message(0) },
        ],
        next: [acknowledged(2)],
      });
    });
  });

  it('fills a response to its last byte', async () => {
    const [roomy, exact] = await lab.run<number[]>('requests', 'a response that fits exactly');
    expect(exact).toBe(roomy);
  });

  it('throws if the request is longer than the kernel accepts', async () => {
    await expect(lab.run('requests', 'a request that is too long')).resolves.toMatchObject({
      class: 'Error',
      code: 'EMSGSIZE',
      operation: 'send a request of 8388608 bytes',
    });
  });

  it('throws after the socket is closed', async () => {
    await expect(lab.run('requests', 'after the end')).resolves.toEqual({
      class: 'Error',
      message: 'transact on a closed request socket: EBADF (Bad file descriptor)',
      errno: 9,
      code: 'EBADF',
      operation: 'transact on a closed request socket',
    });
  });
});
