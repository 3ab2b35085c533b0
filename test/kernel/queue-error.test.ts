import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NativeError } from '../../src/kernel/binding.js';
import { explainQueueError } from '../../src/kernel/queue-error.js';
import { ProcTree, writeCapabilities, writeProcess, writeQueueHolder } from './proc-tree.js';

const ALL = '000001ffffffffff';
const ALL_BUT_NET_ADMIN = '000001ffffffefff';

const failure = (code: string): NativeError =>
  Object.assign(new Error(code), { errno: 1, code, operation: 'bind to queue 5' });

describe('a queue that could not be bound', () => {
  let tree: ProcTree;
  beforeEach(() => {
    tree = new ProcTree();
  });
  afterEach(() => {
    tree.remove();
  });

  it.each(['EPERM', 'EBUSY'])('with %s is taken if a process holds it', (code) => {
    writeCapabilities(tree, ALL);
    writeQueueHolder(tree, 5, 1234, 5678);
    writeProcess(tree, 4711, 'suricata', [5678]);
    expect(explainQueueError(5, failure(code), tree.root)).toMatchObject({
      code: 'ERR_MISSING',
      message: 'queue 5 is taken by process 4711 (suricata)',
      remedy: expect.stringContaining('--queue') as unknown,
    });
  });

  it('with EPERM and without CAP_NET_ADMIN is not permitted, taken or not', () => {
    writeCapabilities(tree, ALL_BUT_NET_ADMIN);
    const refused = {
      code: 'ERR_NOT_PERMITTED',
      exitCode: 4,
      message: 'not permitted to bind queue 5: CAP_NET_ADMIN is missing',
    };
    expect(explainQueueError(5, failure('EPERM'), tree.root)).toMatchObject(refused);
    writeQueueHolder(tree, 5, 1234, 5678);
    expect(explainQueueError(5, failure('EPERM'), tree.root)).toMatchObject(refused);
  });

  it('with EPERM and an unreadable /proc is not permitted', () => {
    expect(explainQueueError(5, failure('EPERM'), tree.root).code).toBe('ERR_NOT_PERMITTED');
  });

  it('with EPERM despite CAP_NET_ADMIN was refused by the user namespace', () => {
    writeCapabilities(tree, ALL);
    expect(explainQueueError(5, failure('EPERM'), tree.root)).toMatchObject({
      code: 'ERR_NOT_PERMITTED',
      remedy: 'run in the user namespace that owns this network namespace',
    });
  });

  it('with EBUSY is taken, even if its owner is unknown', () => {
    writeCapabilities(tree, ALL);
    expect(explainQueueError(5, failure('EBUSY'), tree.root).message).toBe(
      'queue 5 is taken by another process',
    );
  });

  it.each([
    ['EPROTONOSUPPORT', 'the kernel has no netfilter netlink sockets (CONFIG_NETFILTER_NETLINK)'],
    ['EINVAL', 'the kernel has no NFQUEUE (CONFIG_NETFILTER_NETLINK_QUEUE)'],
  ])('with %s lacks a part of the kernel', (code, message) => {
    const cause = failure(code);
    const error = explainQueueError(5, cause, tree.root);
    expect(error).toMatchObject({ code: 'ERR_MISSING', exitCode: 3, message, cause });
    expect(error.remedy).toContain('modprobe');
  });

  it('with any other errno is a failed system call', () => {
    expect(explainQueueError(5, failure('ENOMEM'), tree.root)).toMatchObject({
      code: 'ERR_SYSTEM_CALL',
      operation: 'bind to queue 5',
      errnoName: 'ENOMEM',
    });
  });
});
