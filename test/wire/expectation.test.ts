import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readExpectation, writeExpectation } from '../../src/wire/expectation.js';
import { anyExpectation, tupleOf, writePayload } from './netlink-corpus.js';

describe('an expectation', () => {
  it('reads as it was written', () => {
    fc.assert(
      fc.property(anyExpectation, (expectation) => {
        const { bytes, payloadAt, end } = writePayload((writer) => {
          writeExpectation(writer, expectation);
        });
        expect(readExpectation(bytes, payloadAt, end)).toEqual({ ok: true, value: expectation });
      }),
    );
  });

  it('keeps nothing of the bytes that it was read from', () => {
    fc.assert(
      fc.property(anyExpectation, (expectation) => {
        const { bytes, payloadAt, end } = writePayload((writer) => {
          writeExpectation(writer, expectation);
        });
        const parsed = readExpectation(bytes, payloadAt, end);
        bytes.fill(0xa5);
        expect(parsed).toEqual({ ok: true, value: expectation });
      }),
    );
  });

  it('without a master is a fault', () => {
    const { bytes, payloadAt, end } = writePayload((writer) => {
      writeExpectation(writer, { tuple: tupleOf('10.1.0.2', 4000, '10.2.0.2', 21) });
    });
    expect(readExpectation(bytes, payloadAt, end)).toEqual({
      ok: false,
      fault: 'attribute-missing',
      at: payloadAt,
    });
  });

  it('cut anywhere, or with a byte turned, never throws', () => {
    fc.assert(
      fc.property(anyExpectation, fc.nat(), fc.nat(255), (expectation, seed, value) => {
        const { bytes, payloadAt, end } = writePayload((writer) => {
          writeExpectation(writer, expectation);
        });
        const at = payloadAt + (seed % (end - payloadAt));
        readExpectation(bytes, payloadAt, at);
        bytes[at] = value;
        readExpectation(bytes, payloadAt, end);
      }),
    );
  });

  it('of random bytes never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (random) => {
        readExpectation(Buffer.from(random), 0, random.length);
      }),
    );
  });
});
