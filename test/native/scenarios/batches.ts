/**
 * What is sent to the kernel for a batch, including batches whose callback fails.
 *
 * @module
 */
import { once } from 'node:events';
import { NF_DROP } from '../../../src/kernel/binding.js';
import { waitFor } from '../../lab/condition.js';
import { acceptAll, indexRow, openQueue, setVerdict, type VerdictRow } from './open-queue.js';
import { perform } from './perform.js';
import { Receiver, numbered, sendAtOnce } from './traffic.js';

await perform({
  'these rows': async (argument) => {
    const rows = argument as VerdictRow[];
    const receiver = await Receiver.open();
    const queue = openQueue((current) => {
      rows.forEach((row, at) => {
        setVerdict(current, at, row);
      });
    });
    sendAtOnce(numbered('text', rows.length));
    await waitFor('the verdicts', () => queue.index[0] === 1);
    await receiver.received(rows.filter(({ verdict }) => verdict !== NF_DROP).length);
    queue.close();
    receiver.close();
  },

  'the callback throws at the third of five': async () => {
    const receiver = await Receiver.open();
    const queue = openQueue((current, count) => {
      if (count === 1) return;
      setVerdict(current, 0, { verdict: NF_DROP });
      setVerdict(current, 1, { verdict: NF_DROP });
      throw new Error('on purpose');
    });
    const uncaught = once(process, 'uncaughtException') as Promise<[Error]>;
    sendAtOnce(numbered('text', 5));
    const [error] = await uncaught;
    sendAtOnce(['later']);
    const texts = await receiver.received(4);
    queue.close();
    receiver.close();
    return { texts, thrown: error.message };
  },

  'the callback throws null': async () => {
    const receiver = await Receiver.open();
    const queue = openQueue(() => {
      const nothing: unknown = null;
      throw nothing;
    });
    const uncaught = once(process, 'uncaughtException') as Promise<[unknown]>;
    sendAtOnce(['text']);
    const [thrown] = await uncaught;
    const texts = await receiver.received(1);
    queue.close();
    receiver.close();
    return { texts, thrown };
  },

  'nobody catches what the callback throws': async () => {
    openQueue(() => {
      throw new Error('on purpose');
    });
    sendAtOnce(['text']);
    await once(process, 'never');
  },

  'verdicts cannot be sent': async () => {
    const receiver = await Receiver.open();
    const errors: string[] = [];
    const queue = openQueue(acceptAll, {}, ({ operation, code }) => errors.push(`${operation}: ${code}`));
    sendAtOnce(['lost']);
    await waitFor('the error', () => errors.length > 0);
    sendAtOnce(['later', 'last']);
    const texts = await receiver.received(3);
    queue.close();
    receiver.close();
    return { errors, texts };
  },

  'messages are cut': async () => {
    const receiver = await Receiver.open();
    const rows: { packetId: number; length: number }[] = [];
    const queue = openQueue((current, count) => {
      for (let at = 0; at < count; at += 1) {
        const { packetId, length } = indexRow(current, at);
        rows.push({ packetId, length });
      }
    });
    sendAtOnce(numbered('text', 2));
    const texts = await receiver.received(2);
    queue.close();
    receiver.close();
    return { rows, texts, malformed: queue.malformed };
  },

  'receiving fails': async () => {
    const receiver = await Receiver.open();
    const errors: string[] = [];
    openQueue(acceptAll, {}, ({ operation, code }) => errors.push(`${operation}: ${code}`));
    sendAtOnce(['lost']);
    await waitFor('the error', () => errors.length > 0);
    sendAtOnce(['passes by']);
    const texts = await receiver.received(1);
    receiver.close();
    return { errors, texts };
  },
});
