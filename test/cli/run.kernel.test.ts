/** `run` on the real kernel: how it starts, how it stops, and the sentence for each reason why it cannot start. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Command, Completed } from '../lab/command.js';
import { conntrackFtp, Daemon } from '../lab/daemon.js';
import { Laboratory } from '../lab/laboratory.js';
import type { Namespace } from '../lab/namespace.js';
import { queueState } from '../lab/queue-state.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');

let laboratory: Laboratory;
let host: Namespace;
beforeAll(async () => {
  laboratory = new Laboratory();
  host = await laboratory.namespace('host');
});
afterAll(() => laboratory.close());

/** Runs the daemon, which is expected not to start, to its end. */
async function refused(command: Command): Promise<Completed> {
  const completed = await host.run(command, { deadlineMs: 20_000 });
  expect(completed.timedOut).toBe(false);
  expect(completed.stderr).not.toMatch(/\n\s+at /);
  return completed;
}

describe('the daemon', () => {
  it('logs ready, and on SIGTERM logs its counters and exits with 0', async () => {
    const daemon = await Daemon.start(laboratory, host, { ports: [21, 2121], options: ['--queue', '7'] });
    await daemon.stop();
    expect(daemon.log).toMatch(
      /"event":"ready","pid":\d+,"queue":7,"ports":\[21,2121\],"anchor":"sane","backend":"ctnetlink"/,
    );
    expect(daemon.log).toMatch(/"event":"stopping","signal":"SIGTERM"/);
    expect(daemon.counter('packets')).toBe(0);
  });

  it('takes options from a file; the command line takes precedence', async () => {
    const file = path.join(laboratory.makeFolder('config'), 'conntrack-ftp.json');
    await host.runChecked([
      'sh',
      '-c',
      `echo '{"queue": 11, "ports": [2121], "anchor": "irc"}' > "$0"`,
      file,
    ]);
    const daemon = await Daemon.start(laboratory, host, { ports: [21], options: ['--config', file] });
    await daemon.stop();
    expect(daemon.log).toMatch(/"queue":11,"ports":\[21\],"anchor":"irc"/);
    expect(daemon.log).toMatch(/"event":"no-anchor","family":6/);
  });
});

describe('the daemon with several workers', () => {
  const options = ['--workers', '3', '--queue', '20'];

  it('logs ready once for all, and on SIGTERM logs the summed counters and exits with 0', async () => {
    const daemon = await Daemon.start(laboratory, host, { ports: [21], options });
    const queues = await Promise.all([19, 20, 21, 22, 23].map((queue) => queueState(host, queue)));
    expect(queues.map((state) => state !== undefined)).toEqual([false, true, true, true, false]);
    await daemon.stop();
    expect(daemon.log).toMatch(
      /"event":"ready","pid":\d+,"queue":20,"workers":3,"queues":\[20,21,22\],"ports":\[21\],"anchor":"sane"/,
    );
    expect(daemon.events('stopped')).toHaveLength(1);
    expect(daemon.counter('packets')).toBe(0);
    expect(daemon.counter('queueOverruns')).toBe(0);
  });

  it('does not start if one of the queues is taken: it names the owner and releases the others', async () => {
    const first = await Daemon.start(laboratory, host, { ports: [21], options: ['--queue', '22'] });
    const { status, stdout, stderr } = await refused(conntrackFtp('run', ...options));
    expect(stderr).toMatch(
      new RegExp(
        `queue 22 is taken by process ${first.pid} .*\n  remedy: stop that process, or choose another`,
      ),
    );
    expect(stdout).not.toContain('"ready"');
    expect(status).toBe(3);
    expect(await queueState(host, 20)).toBeUndefined();
    await first.stop();
  });

  it('has doctor check all of its queues', async () => {
    const findings = async (): Promise<string> => (await host.run(conntrackFtp('doctor', ...options))).stdout;
    expect(await findings()).toMatch(/queues 20, 21, 22 are free/);
    const first = await Daemon.start(laboratory, host, { ports: [21], options: ['--queue', '21'] });
    expect(await findings()).toMatch(/queue 21 is taken by process/);
    await first.stop();
  });
});

describe('the daemon holds CAP_NET_ADMIN and nothing else, in all of its threads', () => {
  /** Fields of capabilities(7) in the status of each thread. */
  function held(daemon: Daemon): Set<string> {
    const tasks = `/proc/${daemon.pid}/task`;
    return new Set(
      readdirSync(tasks).map((task) => {
        const status = readFileSync(path.join(tasks, task, 'status'), 'utf8');
        const field = (name: string): string =>
          new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '?';
        const sets = ['CapInh', 'CapPrm', 'CapEff'].map(field).join(' ');
        return `${sets}, no new privileges ${field('NoNewPrivs')}, user ${field('Uid')}`;
      }),
    );
  }
  const NET_ADMIN = '0000000000001000';
  const only = (user: number): Set<string> =>
    new Set([`${NET_ADMIN} ${NET_ADMIN} ${NET_ADMIN}, no new privileges 1, user ${user}`]);

  it('when root starts it', async () => {
    const daemon = await Daemon.start(laboratory, host, { ports: [21], options: ['--queue', '12'] });
    expect(held(daemon)).toEqual(only(0));
    await daemon.stop();
  });

  it('also with several workers', async () => {
    const options = ['--queue', '12', '--workers', '2'];
    const daemon = await Daemon.start(laboratory, host, { ports: [21], options });
    expect(held(daemon)).toEqual(only(0));
    await daemon.stop();
  });

  it('or says why not', async () => {
    const marked = ['env', 'CONNTRACK_FTP_RESTARTED=1', ...conntrackFtp()] as const;
    const settings = { ports: [21], options: ['--queue', '12'] };
    const daemon = await Daemon.startAs(laboratory, host, marked, settings);
    expect(held(daemon)).not.toEqual(only(0));
    await daemon.stop();
    expect(daemon.log).toMatch(/"event":"unconfined","cause":"re-executing did not drop them"/);
  });

  it('or says that it could not re-execute itself', async () => {
    // As if Node were upgraded between the two starts.
    const folder = laboratory.makeFolder('replaced');
    const node = path.join(folder, 'node');
    cpSync(process.execPath, node);
    const vanish = path.join(folder, 'vanish.mjs');
    writeFileSync(vanish, `import { rmSync } from 'node:fs';\nrmSync(process.execPath, { force: true });\n`);
    const program = [node, '--import', vanish, ...conntrackFtp().slice(1)] as const;
    const settings = { ports: [21], options: ['--queue', '12'] };
    const daemon = await Daemon.startAs(laboratory, host, program, settings);
    expect(held(daemon)).not.toEqual(only(0));
    await daemon.stop();
    expect(daemon.log).toMatch(/"event":"unconfined","cause":"re-exec \/proc\/self\/exe: ENOENT/);
  });

  it('when an unprivileged user with that capability starts it', async () => {
    // Debian's nobody. This user cannot read root's folders, so the program is copied.
    const copy = path.join(laboratory.makeFolder('program'), 'project');
    for (const name of ['dist', 'package.json', 'node_modules', 'build/Release'])
      cpSync(path.join(PROJECT, name), path.join(copy, name), { recursive: true, verbatimSymlinks: true });
    const given = ['--inh-caps', '+net_admin', '--ambient-caps', '+net_admin'] as const;
    const user = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', ...given] as const;
    const main = path.join(copy, 'dist/cli/main.js');
    const daemon = await Daemon.startAs(laboratory, host, [...user, process.execPath, main], {
      ports: [21],
      options: ['--queue', '12'],
    });
    expect(held(daemon)).toEqual(only(65_534));
    await daemon.stop();
  });
});

describe('the daemon does not start', () => {
  it('if the queue is taken, and names the owner', async () => {
    const first = await Daemon.start(laboratory, host, { ports: [21] });
    const pid = /"pid":(\d+)/.exec(first.log)?.[1] ?? '?';
    const { status, stderr } = await refused(conntrackFtp('run'));
    expect(stderr).toMatch(
      new RegExp(
        `queue 0 is taken by .*\\b${pid}\\b[\\s\\S]*remedy: stop that process, or choose another queue`,
      ),
    );
    expect(status).toBe(3);
    await first.stop();
  });

  it('without CAP_NET_ADMIN', async () => {
    const { status, stderr } = await refused([
      'setpriv',
      '--bounding-set',
      '-net_admin',
      ...conntrackFtp('run'),
    ]);
    expect(stderr).toMatch(/not permitted: the process lacks CAP_NET_ADMIN\n {2}remedy: /);
    expect(status).toBe(4);
  });

  it('without a usable carrier helper', async () => {
    const { status, stderr } = await refused(conntrackFtp('run', '--helper', 'nonesuch'));
    expect(stderr).toMatch(
      /no usable carrier helper: the kernel has no TCP helper nonesuch for IPv4[\s\S]*remedy: load one with `modprobe nf_conntrack_sane`/,
    );
    expect(status).toBe(3);
  });

  it('without its addon', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'conntrack-ftp-bare-'));
    try {
      for (const name of ['dist', 'package.json'])
        cpSync(path.join(PROJECT, name), path.join(folder, name), { recursive: true });
      symlinkSync(path.join(PROJECT, 'node_modules'), path.join(folder, 'node_modules'));
      const { status, stderr } = await refused([
        process.execPath,
        path.join(folder, 'dist/cli/main.js'),
        'run',
      ]);
      expect(stderr).toMatch(
        /the native addon for this machine is missing\n {2}remedy: run `npm install node-addon-api && npm rebuild/,
      );
      expect(status).toBe(3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('doctor', () => {
  it('reports nothing missing here, and leaves nothing behind', async () => {
    const { status, stdout } = await host.run(conntrackFtp('doctor', '--json'));
    const findings = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { id: string; level: string });
    expect(findings.filter(({ level }) => level === 'missing')).toEqual([]);
    expect(findings.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['addon', 'nfqueue', 'anchor-ipv4', 'anchor-ipv6', 'iptables']),
    );
    expect(status).toBe(0);
    expect(await host.runChecked(['conntrack', '-L'])).toBe('');
    expect(await host.runChecked(['iptables-save'])).not.toContain('CONNTRACK_FTP');
  });

  it('names what is missing, and exits with 3', async () => {
    const { status, stdout } = await host.run([
      'setpriv',
      '--bounding-set',
      '-net_admin',
      ...conntrackFtp('doctor'),
    ]);
    expect(stdout).toMatch(/^MISSING net-admin {13}the process lacks CAP_NET_ADMIN\n +remedy: /m);
    expect(status).toBe(3);
  });
});
