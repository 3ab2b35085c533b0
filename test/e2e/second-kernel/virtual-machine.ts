/**
 * A machine in qemu that boots the second kernel. It is emulated as a whole, so it needs nothing of the host's
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
  /** What /bin/sh runs in the guest: on the host's files, as root. */
  readonly script: string;
  /** A folder of the host that the guest sees as /report, and may write. */
  readonly reportFolder: string;
  /** The machine is ended after so many milliseconds. */
  readonly deadlineMs: number;
}

export interface GuestOutcome {
  /** The script's exit code; `undefined` where the machine ended before it. */
  readonly status: number | undefined;
  /** All that the kernel and the script said. */
  readonly console: string;
}

const MEMORY_MB = 3072;
const PROCESSORS = 2;

/** Boots `kernel`, has it do `work`, and waits for the machine's end. */
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
      // A panic ends the machine instead of waiting for somebody to read it.
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
