/** A sink that forgets or begins halves from within a callback. */
import { describe, expect, it } from 'vitest';
import { GAP, StreamProbe } from './stream-probe.js';

/** A sink that acts once, at the first event that equals `news`. */
function probeThat(news: string, action: (probe: StreamProbe) => void): StreamProbe {
  const probe = new StreamProbe();
  let done = false;
  probe.reassembler.begin(0, 0);
  probe.reassembler.begin(1, 0);
  probe.react = (half, heard) => {
    if (done || half !== 0 || heard !== news) return;
    done = true;
    action(probe);
  };
  return probe;
}

describe('a sink that forgets the half of the callback', () => {
  const forget = (probe: StreamProbe): void => {
    probe.reassembler.forget(0);
  };

  it('gets nothing more of that half after bytes in order', () => {
    const probe = probeThat('ab', forget);
    probe.receive(0, 0, 'ab');
    expect(probe.heard()).toBe('ab');
    expect(probe.reassembler.begun(0)).toBe(false);
  });

  it('gets neither the held bytes that would be next nor the rest of the segment', () => {
    const probe = probeThat('ab', forget);
    probe.receive(0, 2, 'cd');
    probe.receive(0, 6, 'gh');
    probe.receive(0, 0, 'abcdefgh');
    expect(probe.heard()).toBe('ab');
    expect(probe.reassembler.heldMemory).toBe(0);
  });

  it('gets nothing after held bytes', () => {
    const probe = probeThat('cd', forget);
    probe.receive(0, 2, 'cd');
    probe.receive(0, 0, 'abcdef');
    expect(probe.heard()).toBe('abcd');
    expect(probe.reassembler.begun(0)).toBe(false);
  });

  it('gets no bytes after a gap', () => {
    const probe = probeThat(GAP, forget);
    probe.receive(0, 2, 'c');
    probe.receive(0, 5, 'f');
    probe.acknowledge(0, 6);
    expect(probe.heard()).toBe(GAP);
    expect(probe.reassembler.heldMemory).toBe(0);
  });

  it('does not get the segment that made the reassembler give up the hole', () => {
    const probe = probeThat(GAP, forget);
    probe.acknowledge(0, 2);
    probe.receive(0, 2, 'cd');
    expect(probe.heard()).toBe(GAP);
    expect(probe.reassembler.begun(0)).toBe(false);
  });

  it('gets no bytes after the gap of a mid-stream start, and restarts with the next segment', () => {
    const probe = probeThat(GAP, forget);
    probe.reassembler.forget(0);
    probe.receive(0, 700, 'ab');
    expect(probe.heard()).toBe(GAP);
    probe.receive(0, 702, 'cd');
    expect(probe.heard()).toBe(`${GAP}|${GAP}|cd`);
  });

  it('may also forget the other half', () => {
    const probe = probeThat('ab', (self) => {
      self.reassembler.forget(0);
      self.reassembler.forget(1);
    });
    probe.receive(1, 2, 'held');
    probe.receive(0, 2, 'cd');
    probe.receive(0, 0, 'abcd');
    expect(probe.heard()).toBe('ab');
    expect(probe.reassembler.heldMemory).toBe(0);
  });
});

describe('a sink that forgets a different half', () => {
  it('still gets the rest of the segment', () => {
    const probe = probeThat('ab', (self) => {
      self.reassembler.forget(1);
    });
    probe.receive(0, 2, 'cd');
    probe.receive(0, 0, 'abcdef');
    expect(probe.heard()).toBe('abcdef');
  });
});

describe('a sink that begins the half of the callback', () => {
  it('gets only the new stream', () => {
    const probe = probeThat('ab', (self) => {
      self.reassembler.begin(0, 4);
    });
    probe.receive(0, 2, 'cd');
    probe.receive(0, 0, 'abcdefgh');
    expect(probe.heard()).toBe('ab');
    probe.receive(0, 4, 'new');
    expect(probe.heard()).toBe('abnew');
    expect(probe.reassembler.heldMemory).toBe(0);
  });

  it('gets no held bytes after a gap', () => {
    const probe = probeThat(GAP, (self) => {
      self.reassembler.begin(0, 2);
    });
    probe.receive(0, 2, 'cd');
    probe.acknowledge(0, 4);
    expect(probe.heard()).toBe(GAP);
    expect(probe.reassembler.next(0)).toBe(2);
  });
});

describe('a sink that breaks its contract', () => {
  it('gets an error if it calls receive or acknowledge', () => {
    const probe = probeThat('ab', (self) => {
      self.receive(1, 4, 'held');
    });
    probe.receive(0, 2, 'cd');
    expect(() => {
      probe.receive(0, 0, 'abc');
    }).toThrow('must not call receive');
  });

  it('leaves the reassembler usable if it throws, and the bytes count as passed on', () => {
    const probe = probeThat('ab', () => {
      throw new Error('sink');
    });
    probe.receive(0, 2, 'cd');
    expect(() => {
      probe.receive(0, 0, 'abc');
    }).toThrow('sink');
    probe.receive(0, 1, 'X');
    expect(probe.heard()).toBe('ab');
    probe.receive(0, 2, 'XX');
    probe.receive(0, 4, 'e');
    expect(probe.heard()).toBe('abcde');
  });
});
