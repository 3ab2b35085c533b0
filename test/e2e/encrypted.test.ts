/**
 * A control connection that switches to TLS: it is marked and not queued again, and its data connections use the port
 * range that the administrator has opened.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeEnding, runChecked } from '../lab/command.js';
import { connectionLines } from '../lab/conntrack.js';
import { Daemon, DEFAULT_ANCHOR, loadDaemonRules } from '../lab/daemon.js';
import { filterRules, restoreRules } from '../lab/firewall.js';
import { SMALL_FILES } from '../lab/ftp-root.js';
import { vsftpdWith } from '../lab/servers/vsftpd.js';
import { openScene, type Scene } from './scene.js';

const CLIENT = join(import.meta.dirname, 'tls-client.py');
const COMMANDS = 50;
/** The default of `run --mark`. */
const DONE_MARK = 0x2000_0000;

async function makeCertificate(folder: string): Promise<string> {
  const file = join(folder, 'server.pem');
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', file] as const;
  await runChecked([
    'openssl',
    'req',
    '-x509',
    ...key,
    '-out',
    `${file}.crt`,
    '-subj',
    '/CN=lab',
    '-days',
    '2',
  ]);
  await runChecked(['sh', '-c', 'cat "$0.crt" >> "$0"', file]);
  return file;
}

describe('a control connection that switches to TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cftp-certificate-'));
  let scene: Scene;
  let daemon: Daemon;
  beforeAll(async () => {
    const rsa_cert_file = await makeCertificate(folder);
    const program = vsftpdWith({
      ...{ ssl_enable: 'YES', allow_anon_ssl: 'YES', require_ssl_reuse: 'NO', rsa_cert_file },
    });
    scene = await openScene({ placement: 'gateway', program });
    const { firewall } = scene.topology;
    await loadDaemonRules(firewall, [21]);
    daemon = await Daemon.start(scene.laboratory, firewall, { ports: [21] });
    return () => scene.laboratory.close();
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('is no longer read, and its data connections use a port range', { timeout: 60_000 }, async () => {
    const { topology, server } = scene;
    const [first, last] = server.settings.passivePorts;
    const filter = filterRules('gateway', { ports: [21], helper: DEFAULT_ANCHOR });
    const range = `-A FORWARD -p tcp --dport ${first}:${last} -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT`;
    await restoreRules(topology.firewall, filter.replace('COMMIT', range));
    const { user, password } = server.program.login;
    const target = [server.host.address[4], String(server.settings.port)] as const;
    const completed = await topology.client.namespace.run(
      ['/usr/bin/python3', CLIENT, ...target, user, password, String(COMMANDS)],
      { deadlineMs: 40_000 },
    );
    expect(completed.stdout, describeEnding(completed)).toMatch(/^\d+\n$/);
    expect(Number(completed.stdout)).toBeGreaterThanOrEqual(SMALL_FILES.length);

    const [control = ''] = await connectionLines(topology.firewall, 4, '-p', 'tcp', '--dport', '21');
    expect(control).toContain(`mark=${DONE_MARK}`);
    await daemon.stop();
    expect(daemon.log).toMatch(
      /"event":"released","connection":"10.1.0.2:\d+ > 10.2.0.2:21","cause":"encrypted"/,
    );
    expect(daemon.decisions).toEqual([]);
    expect(daemon.counter('encrypted')).toBe(1);
    // The greeting, AUTH and its answer; of fifty commands under TLS nothing.
    expect(daemon.counter('packets')).toBeLessThan(10);
  });
});
