/** The log of a dialogue must not depend on how the network cuts it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replay, type Cutter } from './transcript-replay.js';
import { longestTurn, parseTranscripts, type Transcript } from './transcript.js';

const FOLDER = path.join(import.meta.dirname, 'transcripts');

const WHOLE: Cutter = () => [];

/** Every way to cut the dialogue at one position. */
function* singleCuts({ turns }: Transcript): Generator<Cutter> {
  for (const [cutTurn, { bytes }] of turns.entries()) {
    for (let at = 1; at < (bytes?.length ?? 0); at += 1) {
      yield (turn) => (turn === cutTurn ? [at] : []);
    }
  }
}

const everyBytes =
  (size: number): Cutter =>
  (_, length) =>
    Array.from({ length: Math.ceil(length / size) - 1 }, (__, piece) => (piece + 1) * size);

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.md'));

describe.each(files)('%s', (file) => {
  const transcripts = parseTranscripts(readFileSync(path.join(FOLDER, file), 'utf8'));

  describe.each(transcripts.map((transcript) => [transcript.title, transcript] as const))(
    '%s',
    (_, transcript) => {
      it('has the expected log', () => {
        expect(replay(transcript, WHOLE)).toBe(transcript.log);
      });

      it('has the same log when cut in two at any byte', () => {
        for (const cut of singleCuts(transcript)) expect(replay(transcript, cut)).toBe(transcript.log);
      });

      it('has the same log in pieces of any fixed size', () => {
        for (let size = 1; size < longestTurn(transcript); size += 1) {
          expect(replay(transcript, everyBytes(size))).toBe(transcript.log);
        }
      });

      it('has the same log in pieces of random sizes', () => {
        const cuts = fc.array(fc.nat(longestTurn(transcript)));
        fc.assert(
          fc.property(cuts, (places) => {
            const sorted = [...new Set(places)].sort((one, other) => one - other);
            const cut: Cutter = (__, length) => sorted.filter((at) => at > 0 && at < length);
            expect(replay(transcript, cut)).toBe(transcript.log);
          }),
          { numRuns: 20 },
        );
      });
    },
  );
});
