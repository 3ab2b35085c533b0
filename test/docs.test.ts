/** The tables shared by reference and program: each name has a row, each row is used, and the reference is current. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { EVENTS } from '../src/daemon/events.js';
import { LIFTING_OPTIONS, REASONS } from '../src/daemon/reasons.js';
import type { RefusalReason } from '../src/ftp/policy.js';
import { REASON_TABLE, type Reason } from '../src/helper/reasons.js';
import type { PinholeRefusal } from '../src/kernel/pinhole.js';
import { COMMAND_OPTIONS, optionName } from '../src/cli/options.js';

const ROOT = path.resolve(import.meta.dirname, '..');
const sources = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(path.join(ROOT, 'src', name), 'utf8') }));

const withoutComments = (text: string): string =>
  ts.transpileModule(text, { compilerOptions: { removeComments: true, target: ts.ScriptTarget.ESNext } })
    .outputText;

/** Fails to compile if a reason from src/ftp or src/kernel has no row. */
type Covered<Name extends Reason> = Name;
export type AllCovered = Covered<RefusalReason> | Covered<PinholeRefusal>;

describe('docs/reference.md', () => {
  it('is current: `npm run docs` would change nothing', () => {
    const check = ['--import', 'tsx', path.join(ROOT, 'scripts/docs.ts'), '--check'];
    const { status, stderr } = spawnSync(process.execPath, check, { cwd: ROOT, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('has no overlong line', () => {
    const lines = readFileSync(path.join(ROOT, 'docs/reference.md'), 'utf8').split('\n');
    expect(lines.filter((line) => line.length > 120)).toEqual([]);
  });
});

describe('the reasons', () => {
  const elsewhere = sources
    .filter(({ name }) => !['helper/reasons.ts', 'helper/decision.ts'].includes(name))
    // Lists of the union do not count as giving a reason.
    .map(({ text }) => text.replace(/^export type [\s\S]*?;$/gm, ''))
    .join('\n');

  it.each(Object.entries(REASON_TABLE))('%s has a sentence, and is used somewhere', (name, row) => {
    expect(name).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
    expect(row.sentence).toMatch(/^[A-Z0-9].+\.$/);
    if (row.remedy !== undefined) expect(row.remedy).toMatch(/^[A-Z].+\.$/);
    expect(elsewhere).toContain(`'${name}'`);
  });

  it('do not name options in the core', () => {
    const core = sources.filter(({ name }) => /^(ftp|tcp|wire|helper|kernel\/pinhole)/.test(name));
    expect(
      core.filter(({ text }) => /(^|[\s'`"])--[a-z]/m.test(withoutComments(text))).map(({ name }) => name),
    ).toEqual([]);
  });

  it('name existing options if an option lifts them', () => {
    const known = Object.keys(COMMAND_OPTIONS.run).map(optionName);
    expect(Object.values(LIFTING_OPTIONS).map((option) => option.split(' ')[0])).toSatisfy(
      (options: string[]) => options.every((option) => known.includes(option)),
    );
    expect(REASONS['privileged-port']).toBe('The port is below 1024. Option: --policy kernel.');
  });
});

it('every log event has a row, and every row is logged', () => {
  const logged = sources
    .filter(({ name }) => /^(daemon|cli)\//.test(name))
    .flatMap(({ text }) => [...text.matchAll(/\{\s*event: '([a-z-]+)'/g)].map(([, name]) => name));
  expect([...new Set(logged)].sort()).toEqual(Object.keys(EVENTS).sort());
});
