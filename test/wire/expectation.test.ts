import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readExpectation, writeExpectation } from '../../src/wire/expectation.js';
import { anyExpectation, tupleOf, writePayload } from './netlink-corpus.js';

describe('an expectation', () => {
  it('reads back as written', () => {
    fc.assert(
      fc.property(anyExpectation, (expectation) => {
        const { bytes, payloadAt, end } = writePayload((writer) => {
          writeExpectation(writer, expectation);
        });
        expect(readExpectation(bytes, payloadAt, end)).toEqual({ ok: true, value: expectation });
      }),
    );
  });

  it('does not refer to the bytes that it was read from', () => {
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

  it('never throws if truncated anywhere or with one byte changed', () => {
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

  it('never throws on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (random) => {
        readExpectation(Buffer.from(random), 0, random.length);
      }),
    );
  });
});
