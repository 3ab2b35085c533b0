import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findQueueOwner, formatQueueOwner } from '../../src/kernel/inspect/queue-owner.js';
import { ProcTree, writeProcess, writeQueueHolder } from './proc-tree.js';

describe('the owner of a queue', () => {
  let tree: ProcTree;
  beforeEach(() => {
    tree = new ProcTree();
  });
  afterEach(() => {
    tree.remove();
  });

  it('is found from port id to socket to process', () => {
    writeQueueHolder(tree, 7, 1234, 5678);
    writeProcess(tree, 1234, 'innocent', [111, 222]);
    writeProcess(tree, 4711, 'conntrack-ftp', [1, 5678]);
    const owner = findQueueOwner(7, tree.root);
    expect(owner).toEqual({ queue: 7, portId: 1234, pid: 4711, command: 'conntrack-ftp' });
    expect(owner && formatQueueOwner(owner)).toBe('process 4711 (conntrack-ftp)');
  });

  it('is undefined for a queue that is not in the table, or without a table', () => {
    expect(findQueueOwner(7, tree.root)).toBeUndefined();
    writeQueueHolder(tree, 70, 1234, 5678);
    expect(findQueueOwner(7, tree.root)).toBeUndefined();
    expect(findQueueOwner(0, tree.root)).toBeUndefined();
  });

  it('is described by its port id if the process is not visible', () => {
    writeQueueHolder(tree, 7, 1234, 5678);
    writeProcess(tree, 1234, 'innocent', [111, 222]);
    const owner = findQueueOwner(7, tree.root);
    expect(owner).toEqual({ queue: 7, portId: 1234, pid: undefined, command: undefined });
    expect(owner && formatQueueOwner(owner)).toBe(
      'a process that is not visible from here (netlink port 1234)',
    );
  });

  it('is described by its process id if the name cannot be read', () => {
    writeQueueHolder(tree, 7, 1234, 5678);
    tree.link('99/fd/3', 'socket:[5678]');
    const owner = findQueueOwner(7, tree.root);
    expect(owner && formatQueueOwner(owner)).toBe('process 99');
  });

  it('ignores other entries in the proc folder', () => {
    writeQueueHolder(tree, 7, 1234, 5678);
    tree.link('self/fd/3', 'socket:[5678]');
    tree.write('98/fd/3', 'not a link');
    expect(findQueueOwner(7, tree.root)?.pid).toBeUndefined();
  });
});
