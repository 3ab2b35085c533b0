import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NF_DROP, VERDICT_FLAGS } from '../../src/kernel/binding.js';
import { Shim, summarise } from './shim.js';
import { AddonLab } from './addon-lab.js';

const ENOBUFS = 105;
const EIO = 5;

describe('the verdicts of a batch', () => {
  let lab: AddonLab;
  let shim: Shim;

  beforeAll(async () => {
    lab = await AddonLab.build([
      '-t mangle -A OUTPUT -p udp --dport 4000 -j NFQUEUE --queue-num 0 --queue-bypass',
    ]);
    shim = await Shim.build();
  });
  afterAll(async () => {
    await lab.remove();
    shim.remove();
  });

  const accept = {};
  const drop = { verdict: NF_DROP };
  const mark = { flags: VERDICT_FLAGS.hasMark, mark: 1 };
  const cases = [
    { name: 'one packet', rows: [accept], messages: ['verdict accept 1'] },
    { name: 'a run', rows: [accept, accept, accept], messages: ['batch accept 3'] },
    {
      name: 'a run on each side of a drop',
      rows: [accept, accept, drop, accept, accept],
      messages: ['batch accept 2', 'verdict drop 3', 'batch accept 5'],
    },
    {
      name: 'runs of one',
      rows: [accept, mark, accept],
      messages: ['verdict accept 1', 'verdict accept 2 mark', 'verdict accept 3'],
    },
    {
      name: 'no accept at all',
      rows: [drop, drop],
      messages: ['verdict drop 1', 'verdict drop 2'],
    },
  ];
  it.each(cases)('$name: are sent in one datagram, in order of arrival', async ({ rows, messages }) => {
    const env = shim.environment();
    await lab.run('batches', 'these rows', { argument: rows, env });
    const verdicts = shim
      .sent()
      .map(summarise)
      .filter(([first]) => first !== 'config');
    expect(verdicts).toEqual([messages]);
  });

  it('are sent as written so far if the callback throws', async () => {
    const env = shim.environment();
    const answer = await lab.run('batches', 'the callback throws at the third of five', { env });
    const verdicts = shim
      .sent()
      .map(summarise)
      .filter(([first]) => first !== 'config');
    expect(verdicts).toEqual([['verdict drop 1', 'verdict drop 2', 'batch accept 5'], ['verdict accept 6']]);
    expect(answer).toEqual({ texts: ['text2', 'text3', 'text4', 'later'], thrown: 'on purpose' });
  });

  it('are sent if the callback throws null', async () => {
    await expect(lab.run('batches', 'the callback throws null')).resolves.toEqual({
      texts: ['text'],
      thrown: null,
    });
  });

  it('are sent before an uncaught exception ends the process', async () => {
    const env = shim.environment();
    const ending = await lab.runToEnd('batches', 'nobody catches what the callback throws', { env });
    expect(ending.status).toBe(1);
    expect(ending.stderr).toContain('Error: on purpose');
    expect(shim.sent().map(summarise).at(-1)).toEqual(['verdict accept 1']);
  });

  it('are reported as an error if they cannot be sent, and the queue stays open', async () => {
    const env = shim.environment({ VERDICT_ERRNO: ENOBUFS });
    await expect(lab.run('batches', 'verdicts cannot be sent', { env })).resolves.toEqual({
      errors: ['send verdicts: ENOBUFS'],
      // The batch verdict also applies to the packets that still wait.
      texts: ['lost', 'later', 'last'],
    });
  });

  it('are sent for packets with truncated messages, of which JavaScript sees no bytes', async () => {
    const env = shim.environment({ RECEIVE_BYTES: 60 });
    await expect(lab.run('batches', 'messages are cut', { env })).resolves.toEqual({
      rows: [
        { packetId: 1, length: 0 },
        { packetId: 2, length: 0 },
      ],
      texts: ['text0', 'text1'],
      malformed: 2,
    });
  });

  it('end if receiving fails: the queue closes itself, so that bypass rules accept packets', async () => {
    const env = shim.environment({ RECEIVE_ERRNO: EIO });
    await expect(lab.run('batches', 'receiving fails', { env })).resolves.toEqual({
      errors: ['receive packets of queue 0: EIO'],
      texts: ['passes by'],
    });
  });
});
