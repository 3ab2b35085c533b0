import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { peekConnectionPort, readConntrack, writeConntrack } from '../../src/wire/conntrack.js';
import { anyConntrackEntry, tupleOf, writePayload } from './netlink-corpus.js';

describe('a conntrack entry', () => {
  it('reads back as written', () => {
    fc.assert(
      fc.property(anyConntrackEntry, (entry) => {
        const { bytes, payloadAt, end } = writePayload((writer) => {
          writeConntrack(writer, entry);
        });
        expect(readConntrack(bytes, payloadAt, end)).toEqual({ ok: true, value: entry });
      }),
    );
  });

  it('does not refer to the bytes that it was read from', () => {
    fc.assert(
      fc.property(anyConntrackEntry, (entry) => {
        const { bytes, payloadAt, end } = writePayload((writer) => {
          writeConntrack(writer, entry);
        });
        const parsed = readConntrack(bytes, payloadAt, end);
        bytes.fill(0xa5);
        expect(parsed).toEqual({ ok: true, value: entry });
      }),
    );
  });

  it('without a reply tuple is a fault', () => {
    const { bytes, payloadAt, end } = writePayload((writer) => {
      writeConntrack(writer, { original: tupleOf('10.1.0.2', 4000, '10.2.0.2', 21) });
    });
    expect(readConntrack(bytes, payloadAt, end)).toEqual({
      ok: false,
      fault: 'attribute-missing',
      at: payloadAt,
    });
  });

  it('gives its port without a full read, if it is TCP', () => {
    fc.assert(
      fc.property(anyConntrackEntry, fc.constantFrom(6, 17, 1), (entry, protocol) => {
        const { bytes, payloadAt, end } = writePayload((writer) => {
          writeConntrack(writer, { ...entry, protocol });
        });
        const port = protocol === 6 ? entry.original.destinationPort : -1;
        expect(peekConnectionPort(bytes, payloadAt, end)).toBe(port);
      }),
    );
  });

  it('never throws if truncated anywhere or with one byte changed', () => {
    fc.assert(
      fc.property(anyConntrackEntry, fc.nat(), fc.nat(255), (entry, seed, value) => {
        const { bytes, payloadAt, end } = writePayload((writer) => {
          writeConntrack(writer, entry);
        });
        const at = payloadAt + (seed % (end - payloadAt));
        readConntrack(bytes, payloadAt, at);
        peekConnectionPort(bytes, payloadAt, at);
        bytes[at] = value;
        readConntrack(bytes, payloadAt, end);
        peekConnectionPort(bytes, payloadAt, end);
      }),
    );
  });

  it('never throws on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (random) => {
        readConntrack(Buffer.from(random), 0, random.length);
        peekConnectionPort(Buffer.from(random), 0, random.length);
      }),
    );
  });
});
