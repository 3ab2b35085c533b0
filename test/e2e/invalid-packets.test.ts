/**
 * The log of invalid packets, which other tests expect to be empty, contains the end of a connection that was deleted from
 * conntrack.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { FAMILIES } from '../lab/family.js';
import { InvalidPackets } from '../lab/invalid-packets.js';
import { Laboratory } from '../lab/laboratory.js';
import type { Namespace } from '../lab/namespace.js';

const LOOPBACK = { 4: '127.0.0.1', 6: '::1' } as const;

/** Connects from FAMILY's loopback to itself, forgets all connections, and begins to close this one. Prints its port. */
const CLOSE_FORGOTTEN = `
import socket, subprocess, sys
family = {"4": socket.AF_INET, "6": socket.AF_INET6}[sys.argv[1]]
listener = socket.create_server((sys.argv[2], 0), family=family)
near = socket.create_connection(listener.getsockname()[:2])
far, _ = listener.accept()
subprocess.run(["conntrack", "-F"], check=True)
near.shutdown(socket.SHUT_WR)
far.recv(1)
print(near.getsockname()[1])
`;

describe('the log of invalid packets', () => {
  let host: Namespace;
  let invalid: InvalidPackets;
  beforeAll(async () => {
    const laboratory = new Laboratory();
    host = await laboratory.namespace('host');
    invalid = await InvalidPackets.watch(laboratory, host);
    return () => laboratory.close();
  });

  it.each(FAMILIES)('contains the end of a deleted connection, IPv%i', async (family) => {
    const before = (await invalid.found()).length;
    const address = LOOPBACK[family];
    const program = ['/usr/bin/python3', '-c', CLOSE_FORGOTTEN, String(family), address] as const;
    const port = (await host.runChecked(program)).trim();
    const [first = '', second] = (await invalid.found()).slice(before);
    expect(first).toContain(`${address} > ${address}: ${port} → `);
    // Older kernels do not say why.
    expect(first).toMatch(/\[FIN, ACK\].*\((.*invalid new|no reason given)\)$/);
    // Loopback sends it and receives it.
    expect(second).toBe(first);
  });
});
