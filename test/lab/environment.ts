/**
 * The environment of programs in the lab: proxies, languages and options of the user who runs the tests are not in it.
 *
 * @module
 */

/** The few variables that a program in the lab is to have from ours. */
const PASSED_ON = ['TMPDIR', 'LAB_SLOWNESS', 'NODE_V8_COVERAGE'] as const;
/** Not in the path of a root that `su` made. */
const SBIN = '/usr/local/sbin:/usr/sbin:/sbin';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Made anew at each call, since a test may change its own. The home folder does not exist. */
export const labEnvironment = (): Environment => ({
  ...Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
  PATH: `${process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'}:${SBIN}`,
  LC_ALL: 'C.UTF-8',
  HOME: '/nonexistent',
});
