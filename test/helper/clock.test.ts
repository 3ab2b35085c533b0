/**
 * A clock that steps. The daemon's own (`performance.now`) does not; `replay` takes the capture's, and that may. What
 * is expected does not depend on it, and what is forgotten too early is picked up at its next line.
 */
import { describe, expect, it } from 'vitest';
import { Dialogue, newHelper } from './dialogue.js';

const DAY = 86_400;
const IDLE = 5 * DAY;

describe.each([
  { step: 'forward', seconds: 10 * DAY },
  { step: 'back', seconds: -10 * DAY },
])('a clock that steps $step', ({ seconds }) => {
  it('within a session: the next announcement is expected', () => {
    const helper = newHelper();
    const dialogue = new Dialogue(helper).login();
    for (let time = 0; time < 3; time++) {
      dialogue.now += time % 2 === 0 ? seconds : -seconds;
      helper.expire(dialogue.now - IDLE);
      // Forgotten or not, it is in step after a line of each side.
      dialogue
        .client('TYPE I\r\n')
        .server('200 ok\r\n')
        .client('PORT 10,1,0,2,156,64\r\n')
        .server('200 ok\r\n');
    }
    expect(dialogue.summary).toEqual(Array(3).fill('PORT 10.1.0.2:40000 expected'));
    expect(helper.connections).toBe(1);
  });

  it('while a session is idle: it is forgotten once the time is over, by the clock as it is then', () => {
    const helper = newHelper();
    const dialogue = new Dialogue(helper).login();
    const now = dialogue.now + seconds;
    helper.expire(now - IDLE);
    expect(helper.connections).toBe(seconds > 0 ? 0 : 1);
    helper.expire(dialogue.now + IDLE + 1 - IDLE);
    expect(helper.connections).toBe(0);
  });
});
