/**
 * A control connection for the tests of this folder: an entry with the carrier helper, and the pinhole that its
 * client requests.
 *
 * @module
 */
import type { Pinhole } from '../../src/kernel/pinhole.js';
import type { ConntrackFields } from '../../src/wire/conntrack.js';
import { IP_PROTOCOL_TCP } from '../../src/wire/ip.js';
import { invertTuple, type Tuple } from '../../src/wire/tuple.js';

/** An entry with the carrier helper, as the ruleset would leave it. */
export const helped = (master: Tuple): ConntrackFields => ({
  protocol: IP_PROTOCOL_TCP,
  original: master,
  reply: invertTuple(master),
  timeout: 120,
  helper: 'sane',
});

/** The pinhole for a client's PORT command: the server may connect to a port of the client. */
export const pinholeFor = (master: Tuple, port = master.sourcePort): Pinhole => ({
  master,
  zone: 0,
  tuple: {
    source: master.destination,
    sourcePort: 0,
    destination: master.source,
    destinationPort: port,
  },
  lifetime: undefined,
  nat: undefined,
});
