/**
 * Opening queues: which settings are granted, which are refused, and who is denied.
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { loadBinding } from '../../../src/kernel/binding.js';
import { waitFor } from '../../lab/condition.js';
import { describeError } from './describe-error.js';
import { acceptAll, indexRow, openQueue, packetOf, textOf } from './open-queue.js';
import { perform } from './perform.js';
import { Receiver, numbered, sendAtOnce } from './traffic.js';

const UID_OF_NOBODY = 65_534;

await perform({
  'refusals, and whether it works all the same': async () => {
    const receiver = await Receiver.open();
    const queue = openQueue(acceptAll, { failOpen: true, receiveBufferBytes: 16 << 20 });
    sendAtOnce(['text']);
    const texts = await receiver.received(1);
    queue.close();
    receiver.close();
    return { refusals: queue.refusals, texts };
  },

  'packets seen and received': async () => {
    const receiver = await Receiver.open();
    const seen: string[] = [];
    const queue = openQueue((current, count) => {
      for (let at = 0; at < count; at += 1) seen.push(textOf(packetOf(current, at)));
    });
    sendAtOnce(['later']);
    const received = await receiver.received(2);
    queue.close();
    receiver.close();
    return { seen, received };
  },

  'more packets than the queue takes': async (failOpen) => {
    const receiver = await Receiver.open();
    const ids: number[] = [];
    const queue = openQueue(
      (current, count) => {
        for (let at = 0; at < count; at += 1) ids.push(indexRow(current, at).packetId);
      },
      { maxLength: 2, failOpen: failOpen === true },
    );
    sendAtOnce(numbered('text', 5));
    await waitFor('the packets that found room', () => ids.length === 2);
    // Dropped packets do not arrive; this one does, and arrives last.
    sendAtOnce(['last']);
    await waitFor('the last datagram', () => receiver.texts.includes('last'));
    queue.close();
    receiver.close();
    return receiver.texts;
  },

  'the queue is taken, then free again': () => {
    const first = openQueue(acceptAll);
    const error = describeError(() => openQueue(acceptAll));
    const other = openQueue(acceptAll, { queue: 65_535 });
    first.close();
    const second = openQueue(acceptAll);
    second.close();
    other.close();
    return error;
  },

  'without permission': () => {
    process.setuid?.(UID_OF_NOBODY);
    return describeError(() => openQueue(acceptAll));
  },

  'without descriptors': () => {
    const { RequestSocket } = loadBinding();
    const opened: number[] = [];
    const exhausted = describeError(() => {
      for (;;) opened.push(openSync('/dev/null', 'r'));
    });
    const error = describeError(() => new RequestSocket());
    for (const descriptor of opened) closeSync(descriptor);
    return { exhausted: exhausted?.message.slice(0, 6), error };
  },
});
