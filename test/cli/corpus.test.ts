/**
 * `replay` over folders of captures: `NAME.pcap` or `NAME.pcapng`, each with a `NAME.truth.json` that lists the
 * announcements in it. For the project's own captures it also lists the decisions. CONNTRACK_FTP_CORPUS names a further
 * folder: its truth comes from another dissector and lists announcements without decisions.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const MAIN = path.resolve(import.meta.dirname, '../../dist/cli/main.js');
const OWN = path.resolve(import.meta.dirname, '../fixtures/sessions');
const GIVEN = process.env['CONNTRACK_FTP_CORPUS'];

const Announcement = z.object({
  packet: z.number(),
  client: z.string(),
  clientPort: z.number(),
  server: z.string(),
  serverPort: z.number(),
  announcement: z.enum(['PORT', 'EPRT', '227', '229']),
  address: z.string().optional(),
  port: z.number().optional(),
  decision: z.enum(['expected', 'refused']).optional(),
  reason: z.string().optional(),
});
type Announcement = z.infer<typeof Announcement>;
const Truth = z.object({
  file: z.string(),
  ports: z.array(z.number()),
  announcements: z.array(Announcement),
});

const truthsIn = (folder: string): z.infer<typeof Truth>[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.truth.json'))
    .sort()
    .map((name) => Truth.parse(JSON.parse(readFileSync(path.join(folder, name), 'utf8'))));

async function replay(file: string, ports: readonly number[]): Promise<Announcement[]> {
  const command = [MAIN, 'replay', '--json', '--ports', ports.join(','), file];
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 64 * 1024 * 1024 });
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => Announcement.parse(JSON.parse(line)));
}

/** Who announced which endpoint in which frame. */
const endpoint = ({
  packet,
  client,
  clientPort,
  server,
  serverPort,
  announcement,
  address,
  port,
}: Announcement): string =>
  `${packet} ${client}:${clientPort} ${server}:${serverPort} ${announcement} ${address ?? '?'} ${port ?? '?'}`;

describe('our own captures', () => {
  it.each(truthsIn(OWN))(
    '$file has the decisions that its truth lists',
    async ({ file, ports, announcements }) => {
      const records = await replay(path.join(OWN, file), ports);
      const decision = (record: Announcement): string =>
        `${endpoint(record)} ${record.decision ?? '?'} ${record.reason ?? ''}`;
      expect(records.map(decision)).toEqual(announcements.map(decision));
    },
  );
});

if (GIVEN !== undefined) {
  describe('the captures of CONNTRACK_FTP_CORPUS', () => {
    const truths = truthsIn(GIVEN);

    it('exist', () => {
      expect(truths.length).toBeGreaterThan(0);
      expect(truths.filter(({ file }) => !existsSync(path.join(GIVEN, file)))).toEqual([]);
    });

    it.each(truths)(
      '$file has the announcements that its truth lists',
      async ({ file, ports, announcements }) => {
        const readable = (await replay(path.join(GIVEN, file), ports)).filter(
          ({ port }) => port !== undefined,
        );
        expect(readable.map(endpoint).sort()).toEqual(announcements.map(endpoint).sort());
      },
    );
  });
}
