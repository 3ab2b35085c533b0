/**
 * The ports to try for a data connection under NAT: the announced one first, so that nothing is changed without need;
 * if another connection expects it at the same address, others above it.
 *
 * @module
 */
const HIGHEST_PORT = 65_535;

/** Ports tried besides the announced one, one kernel request each. If half of all ports are taken, all tries fail once in 65,536 times. */
export const PORT_ATTEMPTS = 16;

/**
 * @param random   numbers from 0 to below 1
 * @param highest  the last port of the site's range
 */
export function* candidatePorts(
  announced: number,
  random: () => number,
  highest = HIGHEST_PORT,
): Iterable<number> {
  yield announced;
  const above = highest - announced;
  for (let attempt = 0; attempt < Math.min(PORT_ATTEMPTS, above); attempt++) {
    yield announced + 1 + Math.floor(random() * above);
  }
}
