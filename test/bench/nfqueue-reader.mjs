/**
 * Reads queue 0 with npm's `nfqueue`, as its documentation does: a callback for each packet, which accepts it.
 *
 *     node nfqueue-reader.mjs FOLDER RECEIVE_BUFFER_BYTES
 *
 * `nfqueue` is what is installed in FOLDER. Its queue keeps the kernel's length, for which there is no setting. Prints
 * `ready` when it reads.
 *
 * @module
 */
import { createRequire } from 'node:module';
import path from 'node:path';

/**
 * @typedef {object} Nfqueue
 * @property {number} NF_ACCEPT
 * @property {(queue: number, bytes: number, onPacket: (packet: QueuedPacket) => void) => unknown} createQueueHandler
 *
 * @typedef {object} QueuedPacket
 * @property {(verdict: number) => void} setVerdict
 */

const [, , folder = '', receiveBuffer] = process.argv;
/** @type {unknown} */
const loaded = createRequire(path.join(folder, 'package.json'))('nfqueue');
const nfqueue = /** @type {Nfqueue} */ (loaded);
nfqueue.createQueueHandler(0, Number(receiveBuffer), (packet) => {
  packet.setVerdict(nfqueue.NF_ACCEPT);
});
console.log('ready');
