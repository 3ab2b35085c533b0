import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectSysctls } from '../../src/kernel/inspect/conntrack-sysctl.js';
import { ERRNO, errnoName } from '../../src/kernel/errno.js';
import { isNativeError } from '../../src/kernel/native-error.js';
import { hasNetAdmin } from '../../src/kernel/capability.js';
import { ProcTree, writeCapabilities } from './proc-tree.js';

let tree: ProcTree;
beforeEach(() => {
  tree = new ProcTree();
});
afterEach(() => {
  tree.remove();
});

describe('CAP_NET_ADMIN', () => {
  it.each([
    ['000001ffffffffff', true],
    ['0000000000001000', true],
    ['000001ffffffefff', false],
    ['0000000000000000', false],
  ])('of the effective set %s is %s', (effective, has) => {
    writeCapabilities(tree, effective);
    expect(hasNetAdmin(tree.root)).toBe(has);
  });

  it('is unknown if the file or its line is missing', () => {
    expect(hasNetAdmin(tree.root)).toBeUndefined();
    tree.write('self/status', 'Name:\tnode\n');
    expect(hasNetAdmin(tree.root)).toBeUndefined();
  });
});

describe('sysctls', () => {
  const set = (name: string, value: number): void => {
    tree.write(`sys/net/netfilter/${name}`, `${value}\n`);
  };

  it('are left out if missing', () => {
    expect(inspectSysctls(tree.root)).toEqual([]);
  });

  it.each([
    ['nf_conntrack_events', 2, 'ok'],
    ['nf_conntrack_events', 1, 'ok'],
    ['nf_conntrack_events', 0, 'warning'],
    ['nf_conntrack_expect_max', 4096, 'ok'],
    ['nf_conntrack_expect_max', 255, 'warning'],
    ['nf_conntrack_tcp_loose', 0, 'ok'],
    ['nf_conntrack_tcp_loose', 1, 'ok'],
    ['nf_conntrack_tcp_be_liberal', 0, 'ok'],
    ['nf_conntrack_tcp_be_liberal', 1, 'warning'],
  ])('%s of %i is %s', (name, value, level) => {
    set(name, value);
    const [finding, ...others] = inspectSysctls(tree.root);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      level,
      evidence: expect.stringContaining(`net.netfilter.${name} is ${value}: `) as unknown,
    });
    expect(finding?.remedy === undefined).toBe(level === 'ok');
  });
});

describe('error numbers', () => {
  it.each([
    [1, 'EPERM'],
    [17, 'EEXIST'],
    [ERRNO.EAGAIN, 'EAGAIN'],
    [ERRNO.EOPNOTSUPP, 'EOPNOTSUPP'],
    [4711, 'errno 4711'],
  ])('%i is %s', (errno, name) => {
    expect(errnoName(errno)).toBe(name);
  });

  it.each([
    [
      'an error of the addon',
      Object.assign(new Error('x'), { errno: 1, code: 'EPERM', operation: 'y' }),
      true,
    ],
    ['an error of Node', Object.assign(new Error('x'), { errno: 1, code: 'EPERM' }), false],
    ["an error of this project's", new TypeError('x'), false],
    ['an object that is no Error', { errno: 1, code: 'EPERM', operation: 'y' }, false],
  ])('%s is recognized', (_, thrown, native) => {
    expect(isNativeError(thrown)).toBe(native);
  });
});
