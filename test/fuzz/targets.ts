/**
 * The targets by name. Targets and their modules load on demand: coverage must start first.
 *
 * @module
 */
import type { Target } from './target.js';

export const TARGETS: Readonly<Record<string, () => Promise<Target>>> = {
  dialogue: async () => (await import('./dialogue.js')).dialogueTarget(),
  translated: async () => (await import('./translated.js')).translatedTarget(),
  reassembler: async () => (await import('./reassembler.js')).reassemblerTarget(),
  capture: async () => (await import('./capture.js')).captureTarget(),
  packet: async () => (await import('./packet.js')).packetTarget(),
  netlink: async () => (await import('./netlink.js')).netlinkTarget(),
  replay: async () => (await import('./replay.js')).replayTarget(),
};
