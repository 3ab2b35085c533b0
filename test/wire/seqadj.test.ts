import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readAttributes } from '../../src/wire/nfnetlink.js';
import { readSequenceAdjustment, writeSequenceAdjustment } from '../../src/wire/seqadj.js';
import { anySequenceAdjustment, writePayload } from './netlink-corpus.js';

it('an adjustment reads back as written, including negative offsets', () => {
  fc.assert(
    fc.property(anySequenceAdjustment, (adjustment) => {
      const { bytes, payloadAt, end } = writePayload((writer) => {
        writeSequenceAdjustment(writer, 15, adjustment);
      });
      const attributes = readAttributes(bytes, payloadAt, end);
      expect([attributes.next(), attributes.type]).toEqual([true, 15]);
      expect(readSequenceAdjustment(attributes)).toEqual(adjustment);
      expect([attributes.next(), attributes.fault]).toEqual([false, undefined]);
    }),
  );
});

it('an offset of the wrong size is a fault', () => {
  const { bytes, payloadAt, end } = writePayload((writer) => {
    const nest = writer.openNest(15);
    writer.uint16(2, 1);
    writer.closeNest(nest);
  });
  const attributes = readAttributes(bytes, payloadAt, end);
  attributes.next();
  readSequenceAdjustment(attributes);
  expect(attributes.fault).toBe('attribute-wrong-size');
});
