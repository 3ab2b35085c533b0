/** The example that reads a queue, compiled and run from the installed package, on packets of a real kernel. */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Namespace } from '../lab/namespace.js';
import { InstalledPackage } from './installed-package.js';

const INSTALL_DEADLINE_MS = 240_000;
const QUEUE = '7';
const PORT = '7007';
const DATAGRAMS = 300;
const LENGTH = 100;
const HEADERS_LENGTH = 28; // IPv4 and UDP
const SENDER = path.join(import.meta.dirname, 'exchange-datagrams.mjs');

describe('examples/count-packets.ts', () => {
  let installed: InstalledPackage;
  let namespace: Namespace;

  beforeAll(async () => {
    installed = await InstalledPackage.install();
    installed.addAddon();
    await installed.compileExamples();
    namespace = await Namespace.create('package');
    const rule = `-A INPUT -i lo -p udp --dport ${PORT} -j NFQUEUE --queue-num ${QUEUE}`;
    await namespace.runChecked(['iptables', ...rule.split(' ')]);
  }, INSTALL_DEADLINE_MS);
  afterAll(async () => {
    await namespace.remove();
    installed.remove();
  });

  it('counts every packet and lets it pass', async () => {
    const counting = await namespace.spawn(installed.example('count-packets', QUEUE));
    await counting.waitUntil('"ready"', () => counting.stdout.includes('ready'));
    const sender = [process.execPath, SENDER, PORT, String(DATAGRAMS), String(LENGTH)] as const;
    await expect(namespace.runChecked(sender)).resolves.toBe(`${DATAGRAMS}\n`);
    await expect(counting.stop('SIGINT')).resolves.toMatchObject({ status: 0 });
    const bytes = DATAGRAMS * (LENGTH + HEADERS_LENGTH);
    expect(counting.stdout.at(-1)).toBe(`${DATAGRAMS} packets, ${bytes} bytes, 0 lost`);
  });

  it('says who has the queue if it is taken', async () => {
    const first = await namespace.spawn(installed.example('count-packets', QUEUE));
    await first.waitUntil('"ready"', () => first.stdout.includes('ready'));
    const second = await namespace.run(installed.example('count-packets', QUEUE));
    await first.stop('SIGINT');
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(`queue ${QUEUE} is taken by process ${first.pid} (node)`);
    expect(second.stderr).toContain('stop that process');
  });
});
