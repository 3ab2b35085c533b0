/**
 * The rows of the matrix: each client with each mode that it can be told to use, in each family.
 *
 * @module
 */
import { CLIENTS } from '../lab/clients/all.js';
import type { ClientProgram, Mode } from '../lab/clients/client.js';
import { FAMILIES, type Family } from '../lab/family.js';

export interface Row {
  /** `curl EPSV IPv6` */
  readonly label: string;
  readonly client: ClientProgram;
  readonly mode: Mode;
  readonly family: Family;
}

export const ROWS: readonly Row[] = CLIENTS.flatMap((client) =>
  FAMILIES.flatMap((family) =>
    client.modes[family].map((mode) => ({
      label: `${client.name} ${mode} IPv${family}`,
      client,
      mode,
      family,
    })),
  ),
);
