/**
 * A fake proc file system of ordinary files in a temporary folder.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export class ProcTree {
  readonly root = mkdtempSync(join(tmpdir(), 'conntrack-ftp-proc-'));

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  link(path: string, target: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    symlinkSync(target, file);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Adds a queue held by netlink port `portId`, whose socket is `inode`. */
export function writeQueueHolder(tree: ProcTree, queue: number, portId: number, inode: number): void {
  const row = [queue, portId, 0, 2, 65531, 0, 0, 0, 1].map((column) => String(column).padStart(5));
  tree.write('net/netfilter/nfnetlink_queue', `${row.join(' ')}\n`);
  tree.write(
    'net/netlink',
    [
      'sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode',
      `0000000000000000 0   ${portId}      00000000 0        0        0     2        0        111`,
      `0000000000000000 12  ${portId + 1}  00000000 0        0        0     2        0        222`,
      `0000000000000000 12  ${portId}      00000000 0        0        0     2        0        ${inode}`,
      '',
    ].join('\n'),
  );
}

/** Adds a process that has the sockets `inodes` open. */
export function writeProcess(tree: ProcTree, pid: number, command: string, inodes: readonly number[]): void {
  tree.write(`${pid}/comm`, `${command}\n`);
  tree.link(`${pid}/fd/0`, '/dev/null');
  inodes.forEach((inode, at) => {
    tree.link(`${pid}/fd/${at + 3}`, `socket:[${inode}]`);
  });
}

export const writeCapabilities = (tree: ProcTree, effective: string): void => {
  tree.write('self/status', `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${effective}\nCapBnd:\t0\n`);
};
