/**
 * A simple model of one family's iptables: tables as lists of rules, and the subset of iptables-restore --noflush
 * that the texts use. Each table's section changes the table completely or, if a line fails, not at all.
 *
 * @module
 */

type Chains = Map<string, string[]>;

const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
};

export class IptablesModel {
  readonly #tables = new Map<string, Chains>();
  /** Number of restores that changed something or tried to. */
  restores = 0;

  constructor() {
    for (const [table, chains] of Object.entries(BUILT_IN)) {
      this.#tables.set(table, new Map(chains.map((chain) => [chain, []])));
    }
  }

  /** The output of `iptables -t TABLE -S`. */
  list(table: string): string {
    const chains = this.#chains(table);
    const builtIn = BUILT_IN[table] ?? [];
    const own = [...chains.keys()].filter((chain) => !builtIn.includes(chain));
    return [
      ...builtIn.map((chain) => `-P ${chain} ACCEPT`),
      ...own.map((chain) => `-N ${chain}`),
      ...[...chains.values()].flat(),
      '',
    ].join('\n');
  }

  /** Applies `text`; returns the line that failed, if any. Lines for which `refuses` returns true fail too. */
  restore(text: string, refuses: (line: string) => boolean = () => false): string | undefined {
    this.restores++;
    let table = '';
    let chains: Chains = new Map();
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      if (line.startsWith('*')) {
        table = line.slice(1);
        chains = new Map([...this.#chains(table)].map(([chain, rules]) => [chain, [...rules]]));
      } else if (line === 'COMMIT') {
        this.#tables.set(table, chains);
      } else if (refuses(line) || !runLine(chains, line)) {
        return line;
      }
    }
    return undefined;
  }

  #chains(table: string): Chains {
    const chains = this.#tables.get(table);
    if (chains === undefined) throw new Error(`no table ${table}`);
    return chains;
  }
}

/** Each returns whether iptables-restore would continue. */
const COMMANDS: Readonly<Record<string, (chains: Chains, chain: string, line: string) => boolean>> = {
  '-N': (chains, chain) => !chains.has(chain) && chains.set(chain, []).has(chain),
  '-A': (chains, chain, line) => {
    chains.get(chain)?.push(line);
    return chains.has(chain) && chains.has(targetOf(line) ?? chain);
  },
  '-D': (chains, chain, line) => {
    const at = chains.get(chain)?.indexOf(line.replace('-D', '-A')) ?? -1;
    return at >= 0 && chains.get(chain)?.splice(at, 1).length === 1;
  },
  '-F': (chains, chain) => chains.has(chain) && chains.set(chain, []).has(chain),
  '-X': (chains, chain) => {
    const isUsed = [...chains.values()].flat().some((rule) => targetOf(rule) === chain);
    return !isUsed && chains.get(chain)?.length === 0 && chains.delete(chain);
  },
};

function runLine(chains: Chains, line: string): boolean {
  const [command = '', chain = ''] = line.split(' ');
  // With --noflush, a chain's line creates or empties it.
  if (command.startsWith(':')) return chains.set(command.slice(1), []).has(command.slice(1));
  return COMMANDS[command]?.(chains, chain, line) ?? false;
}

/** The target chain of a rule; in these tests its name contains an underscore. */
const targetOf = (rule: string): string | undefined => / -[jg] ([A-Z]+_[A-Z_]+)$/.exec(rule)?.[1];
