/**
 * Which ports to try for a data connection under address translation: the announced one first, so that nothing
 * is changed without need; where another connection expects it at the same address, others above it.
 *
 * @module
 */
const HIGHEST_PORT = 65_535;

/** Ports tried beside the announced one, each by a request to the kernel: with half of them taken, all are so once in 65,536 times. */
export const PORT_ATTEMPTS = 16;

/**
 * @param random   numbers from 0 to below 1
 * @param highest  where the ports of the site end
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
