/**
 * From a case to its segments with all their numbers: what comes before its steps, the steps, and an exchange after them,
 * which shows that the control connection lives.
 *
 * @module
 */
import { sequenceAdd } from '../../../src/tcp/sequence.js';
import { TCP_FLAGS } from '../../../src/wire/tcp.js';
import type { DirectedSegment } from '../../kernel/raw-connection.js';
import { client, flagsOf, OK, server, type Case, type SegmentStep, type Speaker, type Step } from './case.js';

const { syn, ack } = TCP_FLAGS;

const HANDSHAKE: readonly SegmentStep[] = [
  client('', { flags: syn }),
  server('', { flags: syn | ack }),
  client(''),
];
const LOGIN: readonly SegmentStep[] = [server('220 ready\r\n'), client('USER ftp\r\n'), server('230 in\r\n')];
const LAST_WORDS: readonly SegmentStep[] = [client('NOOP\r\n'), OK];

/** The client's numbers pass the wrap in most cases. */
const FIRST_NUMBER: Readonly<Record<Speaker, number>> = { client: 0xffff_fff8, server: 5000 };

/** How far each has got, in bytes after its SYN. */
type Progress = Readonly<Record<Speaker, number>>;
const BEGINNING: Progress = { client: 0, server: 0 };

const advanced = (progress: Progress, { from, payload, at, aside, fate }: SegmentStep): Progress => {
  if (aside === true || (fate !== undefined && fate !== 'arrives')) return progress;
  return { ...progress, [from]: Math.max(progress[from], (at ?? progress[from]) + payload.length) };
};

const opposite = (speaker: Speaker): Speaker => (speaker === 'client' ? 'server' : 'client');

/** A step with the place where each side stands before it. */
export interface Scripted {
  readonly step: Step;
  readonly progress: Progress;
}

/** All steps; places in those of the case count from what came before them. */
export function scriptOf({ opening, steps }: Case): readonly Scripted[] {
  const before = [
    ...(opening === 'nothing' ? [] : HANDSHAKE),
    ...(opening === undefined || opening === 'greeted' ? LOGIN : []),
  ];
  const start = before.reduce(advanced, BEGINNING);
  const placed = steps.map((step): Step => {
    if (step.kind !== 'segment') return step;
    const { from, at, acknowledges } = step;
    return {
      ...step,
      ...(at === undefined ? {} : { at: at + start[from] }),
      ...(acknowledges === undefined ? {} : { acknowledges: acknowledges + start[opposite(from)] }),
    };
  });
  let progress = BEGINNING;
  return [...before, ...placed, ...LAST_WORDS].map((step) => {
    const scripted = { step, progress };
    if (step.kind === 'segment') progress = advanced(progress, step);
    return scripted;
  });
}

/** The segment of a step; it acknowledges all that the other side has said. */
export function segmentOf(step: SegmentStep, progress: Progress): DirectedSegment {
  const { from, at = progress[from], acknowledges = progress[opposite(from)] } = step;
  const { kind: _kind, aside: _aside, fate: _fate, ...segment } = step;
  const flags = flagsOf(step);
  const hasSyn = (flags & syn) !== 0;
  const hasAck = (flags & ack) !== 0;
  return {
    ...segment,
    ...{ flags, sack: [], direction: from === 'client' ? 'original' : 'reply' },
    // A SYN takes a number, that before its payload.
    sequence: sequenceAdd(FIRST_NUMBER[from], hasSyn ? at - 1 : at),
    acknowledgment: hasAck ? sequenceAdd(FIRST_NUMBER[opposite(from)], acknowledges) : 0,
  };
}
