import { describe, expect, it } from 'vitest';
import { NetlinkWriter } from '../../src/wire/netlink-writer.js';
import { beginRequest, SUBSYSTEMS } from '../../src/wire/nfnetlink.js';
import {
  QUEUE_COMMANDS,
  QUEUE_FLAGS,
  writeQueueCommand,
  writeQueueFlag,
} from '../../src/wire/queue-config.js';

describe('queue configuration', () => {
  it('binds and unbinds with a command attribute', () => {
    expect(attributesOf((writer) => { writeQueueCommand(writer, QUEUE_COMMANDS.bind); })).toBe('0800010001000000'); // prettier-ignore
    expect(attributesOf((writer) => { writeQueueCommand(writer, QUEUE_COMMANDS.unbind); })).toBe('0800010002000000'); // prettier-ignore
  });

  it('sets a flag with a mask of only that flag', () => {
    const raised = attributesOf((writer) => {
      writeQueueFlag(writer, QUEUE_FLAGS.conntrack);
    });
    expect(raised).toBe('08000500000000020800040000000002');
  });
});

/** The attributes' bytes on a little-endian machine. */
function attributesOf(write: (writer: NetlinkWriter) => void): string {
  const writer = new NetlinkWriter();
  beginRequest(writer, SUBSYSTEMS.queue, 2, 0, 1, 0, 7);
  write(writer);
  return writer.written.toString('hex', 20);
}
