/**
 * The environment of programs in the lab, without the proxies, languages and options of the user who runs the tests.
 *
 * @module
 */

/** The few variables that programs in the lab inherit from ours. */
const PASSED_ON = ['TMPDIR', 'LAB_SLOWNESS', 'NODE_V8_COVERAGE'] as const;
/** Not in the path of a root that `su` made. */
const SBIN = '/usr/local/sbin:/usr/sbin:/sbin';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Built at each call, since a test may change its own environment. The home folder does not exist. */
export const labEnvironment = (): Environment => ({
  ...Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
  PATH: `${process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'}:${SBIN}`,
  LC_ALL: 'C.UTF-8',
  HOME: '/nonexistent',
});
