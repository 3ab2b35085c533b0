/**
 * A session across the translating gateway, and what became of it.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sessionWith } from '../lab/clients/client.js';
import { curl } from '../lab/clients/curl.js';
import type { Completed } from '../lab/command.js';
import { urlHost } from '../lab/family.js';
import { SMALL_FILES } from '../lab/ftp-root.js';
import { withOwnFiles } from '../lab/own-files.js';
import type { Case } from './nat-shapes.js';
import type { Scene } from './scene.js';

/** Four listings and two downloads in one session. */
export async function session(scene: Scene, { shape, mode, family }: Case, into: string): Promise<Completed> {
  const { server, topology } = scene;
  const address = shape.target?.[family] ?? server.host.address[family];
  const port = shape.port ?? server.settings.port;
  const url = (path: string): string => `ftp://${urlHost(address)}:${port}/${path}`;
  const names = [...SMALL_FILES, '', '', '', ''];
  const { command } = curl.invoke({ ...sessionWith(server, family, mode), address }, { kind: 'list' });
  // The invocation ends with the one address that it lists.
  const [program, ...parameters] = command.slice(0, -1);
  const transfers = names.flatMap((name, at) => ['--output', join(into, name || `listing-${at}`), url(name)]);
  const from = shape.from === undefined ? [] : ['--interface', shape.from[family]];
  const all = [program ?? '', ...parameters, ...from, ...transfers] as const;
  return topology.client.namespace.run(withOwnFiles(all), { deadlineMs: 40_000 });
}

export function arrivedWhole(scene: Scene, into: string): boolean {
  return SMALL_FILES.every((name) =>
    readFileSync(join(into, name)).equals(readFileSync(join(scene.server.root, name))),
  );
}
