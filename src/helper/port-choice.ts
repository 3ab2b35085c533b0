/**
 * Which ports to try for a data connection under address translation: the announced one first, so that nothing
 * is changed without need; where another connection expects it at the same address, others above it.
 *
 * @module
 */
const HIGHEST_PORT = 65_535;

/** Ports tried beside the announced one: with half of all ports taken, all of them are so once in 10^38. */
export const PORT_ATTEMPTS = 128;

/** @param random  numbers from 0 to below 1 */
export function* candidatePorts(announced: number, random: () => number): Iterable<number> {
  yield announced;
  const above = HIGHEST_PORT - announced;
  for (let attempt = 0; attempt < Math.min(PORT_ATTEMPTS, above); attempt++) {
    yield announced + 1 + Math.floor(random() * above);
  }
}
