/**
 * A qemu machine that boots the second kernel. It is fully emulated, so it needs no support from the host's
 * processor, and everything in it takes several times longer. It has no network card.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../lab/command.js';
import { writeInitramfs } from './initramfs.js';
import type { Kernel } from './kernel-package.js';

export interface GuestWork {
  /** The script that /bin/sh runs in the guest, as root on the host's files. */
  readonly script: string;
  /** A host folder that the guest can write, mounted as /report. */
  readonly reportFolder: string;
  /** Milliseconds after which the machine is stopped. */
  readonly deadlineMs: number;
}

export interface GuestOutcome {
  /** The script's exit code; `undefined` if the machine ended first. */
  readonly status: number | undefined;
  /** The output of the kernel and the script. */
  readonly console: string;
}

const MEMORY_MB = 3072;
const PROCESSORS = 2;

/** Boots `kernel`, runs `work` in it, and waits for the machine to end. */
export async function runInGuest(kernel: Kernel, work: GuestWork): Promise<GuestOutcome> {
  const initramfs = join(work.reportFolder, 'initramfs');
  await writeInitramfs(initramfs, kernel, work.script);
  const { stdout, stderr } = await run(
    [
      'qemu-system-x86_64',
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max'],
      ...['-smp', String(PROCESSORS), '-m', String(MEMORY_MB)],
      ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
      ...['-kernel', kernel.image, '-initrd', initramfs],
      // A panic stops the machine instead of halting it.
      ...['-append', 'console=ttyS0 quiet panic=-1'],
      ...['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'],
      ...['-virtfs', `local,path=${work.reportFolder},mount_tag=report,security_model=none`],
    ],
    { deadlineMs: work.deadlineMs },
  );
  const status = join(work.reportFolder, 'status');
  return {
    status: existsSync(status) ? Number(readFileSync(status, 'utf8')) : undefined,
    console: `${stdout}${stderr}`.replaceAll('\r', ''),
  };
}
