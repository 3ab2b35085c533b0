/**
 * The only door to the addon: its types, and where it is found. Everything below this file is C++.
 *
 * @module
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { MissingError } from '../errors.js';

/** Columns of `NativeQueue.index`, one row of `INDEX_STRIDE` numbers a packet. */
export const INDEX = {
  /** NFQA_PACKET_HDR packet_id; an unsigned number kept in a signed column. */
  packetId: 0,
  /** Where the packet begins in the slab: its network header (NFQA_PAYLOAD). */
  offset: 1,
  /** Bytes of it that are in the slab; 0 where its message was cut, which `malformed` counts. */
  length: 2,
  /** Bytes that it has (NFQA_CAP_LEN); the same as `length` unless the copy range cut it. */
  originalLength: 3,
  /** NF_INET_* hook. */
  hook: 4,
  inInterface: 5,
  outInterface: 6,
  /** NFQA_MARK; 0 where the packet has none. */
  mark: 7,
  /** NFQA_SKB_INFO bits, see `PACKET_FLAGS`. */
  flags: 8,
  /** Ethertype of NFQA_PACKET_HDR, host order: 0x0800 or 0x86dd. */
  protocol: 9,
} as const;
export const INDEX_STRIDE = 10;

/** NFQA_SKB_* (linux/netfilter/nfnetlink_queue.h). */
export const PACKET_FLAGS = { checksumNotReady: 1, gso: 2, checksumNotVerified: 4 } as const;

/** Columns of `NativeQueue.verdicts`, one row of `VERDICT_STRIDE` numbers a packet, in index order. */
export const VERDICT = {
  /** NF_DROP or NF_ACCEPT; the addon fills in NF_ACCEPT before each batch. */
  verdict: 0,
  /** Bits of `VERDICT_FLAGS`; 0 before each batch. */
  flags: 1,
  mark: 2,
  /** Where the replacement packet begins in `NativeQueue.replacements`, and its length. */
  payloadOffset: 3,
  payloadLength: 4,
} as const;
export const VERDICT_STRIDE = 5;
export const NF_DROP = 0;
export const NF_ACCEPT = 1;
export const VERDICT_FLAGS = { hasMark: 1, hasPayload: 2 } as const;

export interface NativeQueueOptions {
  /** 0 to 65535. */
  readonly queue: number;
  /** Bytes of a packet that the kernel copies, 0 (all) to 65531. */
  readonly copyRange: number;
  /** NFQA_CFG_QUEUE_MAXLEN, packets. */
  readonly maxLength: number;
  /** NFQA_CFG_F_FAIL_OPEN: when the queue is full the kernel accepts instead of dropping. */
  readonly failOpen: boolean;
  /** SO_RCVBUFFORCE, bytes. */
  readonly receiveBufferBytes: number;
  /** Packets of one recvmmsg, and so of one callback; 1 to 1024. */
  readonly batchSize: number;
}

/**
 * A bound NFQUEUE. `onBatch(count)` finds the packets in `slab` by the first `count` rows of `index`; both are
 * borrowed: they are overwritten after it returns. When it returns, or throws, each packet of the batch gets
 * its verdict from `verdicts`, exactly one, in order.
 */
export interface NativeQueue {
  readonly slab: ArrayBuffer;
  readonly index: Int32Array;
  readonly verdicts: Int32Array;
  /** Room for packets that replace queued ones: 64 KiB for each packet of a batch would be waste; this is one pool. */
  readonly replacements: ArrayBuffer;
  /** Optional flags and buffer sizes that the kernel refused: the operation and the errno's name. */
  readonly refusals: readonly string[];
  /** NFQUEUE messages that could not be read, since the start. */
  readonly malformed: number;
  /** Packets that found the receive buffer full, since the start: the kernel accepted or dropped them unread. */
  readonly overruns: number;
  /** Verdicts that the kernel answered with an error since the start: the packet was gone, its interface went down. */
  readonly rejected: number;
  /** Idempotent; no callback runs after it returns, packets of a batch under way still get their verdicts. */
  close(): void;
}

/** A NETLINK_NETFILTER socket for requests. */
export interface NativeRequestSocket {
  /**
   * Sends `request` (one or more messages) in one sendmsg and reads what the kernel answers until nothing is
   * left, dumps to their end. Answers how many bytes of `response` were filled.
   */
  transact(request: Uint8Array, response: Uint8Array): number;
  /** The port id the kernel gave this socket. */
  readonly portId: number;
  close(): void;
}

/** A NETLINK_NETFILTER socket that listens to multicast groups (NFNLGRP_*). */
export interface NativeEventSocket {
  /** Borrowed by the callback: whole messages, one after the other, in its first `length` bytes. */
  readonly slab: ArrayBuffer;
  readonly overruns: number;
  close(): void;
}

/** What the addon throws: an Error with these. `errno` is positive. */
export interface NativeError extends Error {
  readonly errno: number;
  /** The errno's symbol, `EPERM`. */
  readonly code: string;
  /** What was tried, `bind to queue 0`. */
  readonly operation: string;
}

/**
 * An open queue or event socket is a live handle of the event loop: it keeps the process running, and it is not
 * collected before it is closed. What a callback throws surfaces as an uncaught exception, after the verdicts.
 */
export interface NativeBinding {
  /**
   * `onError` tells of a failed receive, after which the queue has closed itself; of verdicts that could not be
   * sent; and of wrong rows in `verdicts`: EINVAL (a verdict that is neither drop nor accept: the packet was
   * accepted), EMSGSIZE (a replacement that is empty, too long or outside the pool: the packet was dropped).
   */
  readonly QueueSocket: new (
    options: NativeQueueOptions,
    onBatch: (count: number) => void,
    onError: (error: NativeError) => void,
  ) => NativeQueue;
  readonly RequestSocket: new () => NativeRequestSocket;
  /**
   * Starts the running program anew, in this process, with the same arguments and environment, with no capability but
   * this one (CAP_*, linux/capability.h) and no way to gain another. Returns only by throwing.
   */
  readonly restartWith: (capability: number) => never;
  readonly EventSocket: new (
    groups: readonly number[],
    receiveBufferBytes: number,
    onEvents: (length: number) => void,
    onError: (error: NativeError) => void,
  ) => NativeEventSocket;
}

/** Loads the built or prebuilt addon. Throws `MissingError` with the remedy if there is none. */
export function loadBinding(): NativeBinding {
  const require = createRequire(import.meta.url);
  const find = require('node-gyp-build') as (root: string) => NativeBinding;
  try {
    return find(fileURLToPath(new URL('../..', import.meta.url)));
  } catch (cause) {
    throw new MissingError('the native addon for this machine is missing', {
      remedy:
        'run `npm install node-addon-api && npm rebuild conntrack-ftp` in the folder where it is installed ' +
        '(needs g++, make, pkg-config, python3 and libmnl-dev), or `npm run build:native` in a source tree',
      cause,
    });
  }
}
