/**
 * The agent's process: performs the operations that its parent requests, until the channel closes.
 *
 * @module
 */
import { loadBinding } from '../../src/kernel/binding.js';
import { AgentOperations } from './agent-operations.js';
import type { AgentAnswer, AgentQuestion } from './agent.js';

const operations = new AgentOperations(loadBinding());

process.on('message', ({ id, operation, args }: AgentQuestion) => {
  void answer(id, operation, args).then((message) => process.send?.(message));
});

async function answer(
  id: number,
  operation: keyof AgentOperations,
  args: readonly unknown[],
): Promise<AgentAnswer> {
  try {
    const method: unknown = Reflect.get(operations, operation);
    if (typeof method !== 'function') throw new TypeError(`no operation ${operation}`);
    const value: unknown = await Reflect.apply(method, operations, args);
    return { id, ok: true, value };
  } catch (error) {
    return { id, ok: false, error: plain(error) };
  }
}

/** The error's message and own fields; structured cloning drops the fields that subclasses add. */
function plain(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const fields = Object.entries(error).filter(([, value]) => typeof value !== 'object');
  return { ...Object.fromEntries(fields), name: error.name, message: error.message };
}
