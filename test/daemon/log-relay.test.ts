/** The log lines of a worker on their way to the main thread: those in flight are limited, and dropped ones are reported. */
import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { LogRelay } from '../../src/daemon/log-relay.js';

const CAPACITY = 100;

let posted: string[];
let told: number[];
let relay: LogRelay;
beforeEach(() => {
  posted = [];
  told = [];
  relay = new LogRelay({
    capacity: CAPACITY,
    post: (line) => posted.push(line),
    onLosses: (lines) => told.push(lines),
  });
});

it('sends at most its capacity, and reports dropped lines once there is room', () => {
  for (let number = 0; number < 15; number++) relay.write(`${String(number).padEnd(9)}\n`);
  expect(posted).toHaveLength(10);
  expect(told).toEqual([]);
  relay.taken(40);
  expect(told).toEqual([]);
  relay.taken(10);
  expect(told).toEqual([5]);
  relay.taken(10);
  expect(told).toEqual([5]);
  relay.write('the next\n');
  expect(posted.at(-1)).toBe('the next\n');
});

it('reports at its end what it has not reported', () => {
  for (let number = 0; number < 15; number++) relay.write(`${String(number).padEnd(9)}\n`);
  relay.end();
  expect(told).toEqual([5]);
  relay.end();
  expect(told).toEqual([5]);
});

it('never exceeds its capacity, sends in order, and counts each dropped line', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(120), fc.constant('taken' as const)), { maxLength: 60 }),
      (steps) => {
        const waiting: string[] = [];
        const sent: string[] = [];
        let lost = 0;
        const one = new LogRelay({
          capacity: CAPACITY,
          post: (line) => {
            waiting.push(line);
            sent.push(line);
          },
          onLosses: (lines) => (lost += lines),
        });
        const take = (): void => {
          for (const line of waiting.splice(0)) one.taken(line.length);
        };
        const written = steps.flatMap((step, at) => {
          if (step === 'taken') {
            take();
            return [];
          }
          const line = `${at}`.padEnd(step + 1);
          one.write(line);
          expect(waiting.join('').length).toBeLessThanOrEqual(CAPACITY);
          return [line];
        });
        one.write('');
        take();
        one.taken(0);
        expect(sent.filter((line) => line !== '').length + lost).toBe(written.length);
        expect(written.filter((line) => sent.includes(line))).toEqual(sent.filter((line) => line !== ''));
      },
    ),
  );
});
