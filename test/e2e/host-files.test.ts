/**
 * No file, variable or installed server of the host decides what a test finds: every server and client works on a host where
 * all of them are against it.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENTS } from '../lab/clients/all.js';
import { describeEnding, run, type Completed } from '../lab/command.js';
import { SERVERS } from '../lab/servers/all.js';
import { makeHostileHost } from './host-files/hostile-host.js';

const SESSIONS = join(import.meta.dirname, 'host-files/sessions.ts');

describe('on a host with hostile files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cftp-host-'));
  let completed: Completed;
  beforeAll(async () => {
    const { launcher, environment } = makeHostileHost(folder);
    const program = [process.execPath, '--import', 'tsx', SESSIONS];
    completed = await run([...launcher, ...program], { environment, deadlineMs: 110_000 });
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  for (const server of SERVERS) {
    it.each(CLIENTS)(`${server.name} serves $name`, (client) => {
      const lines = completed.stdout
        .split('\n')
        .filter((line) => line.startsWith(`${server.name} ${client.name} `));
      const passed = ['PASV', 'PORT'].map((mode) => `${server.name} ${client.name} ${mode} passed`);
      expect(lines, describeEnding(completed)).toEqual(passed);
    });
  }
});
