/**
 * Runs the daemon with either ruleset on Debian's kernel, including nft's queue statement: data connections open in
 * each mode and family, on a gateway and on a host.
 *
 * @module
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { applyIptables, applyNft, type RulesHost } from '../../../src/cli/apply-rules.js';
import { RULES_DEFAULTS, type RulesOptions } from '../../../src/rules/options.js';
import { Daemon, DEFAULT_ANCHOR } from '../../lab/daemon.js';
import { vsftpd } from '../../lab/servers/vsftpd.js';
import { rulesHost } from '../../rules/rules-host.js';
import { ROWS, type Row } from '../rows.js';
import { openScene, type Scene } from '../scene.js';
import { expectAllPass } from '../transfers.js';

/** Each of the four modes, and both families. */
const FOUR_ROWS = rowsOf('curl PASV IPv4', 'curl PORT IPv4', 'curl EPSV IPv6', 'curl EPRT IPv6');
const TWO_ROWS = rowsOf('curl PASV IPv4', 'curl EPRT IPv6');

const NFT = { name: 'nft', apply: applyNft, listing: ['nft', 'list', 'ruleset'] } as const;
const IPTABLES = { name: 'iptables', apply: applyIptables, listing: ['iptables-save'] } as const;

const RULESETS = [
  { ...NFT, placement: 'gateway', rows: FOUR_ROWS, workers: 1 },
  { ...NFT, placement: 'client-host', rows: TWO_ROWS, workers: 1 },
  { ...NFT, placement: 'gateway', rows: TWO_ROWS, workers: 3 },
  { ...IPTABLES, placement: 'gateway', rows: TWO_ROWS, workers: 1 },
] as const;

describe.each(RULESETS)(
  'with the $name ruleset, on the $placement, workers: $workers',
  ({ placement, rows, apply, listing, workers }) => {
    const options: RulesOptions = { ...RULES_DEFAULTS, workers };
    let scene: Scene;
    let host: RulesHost;
    const list = async (): Promise<string> => {
      const text = await scene.topology.firewall.runChecked(listing);
      return text.replaceAll(/^#.*\n|\[\d+:\d+\]|packets \d+ bytes \d+/gm, '');
    };
    const applied = (options: RulesOptions | undefined): readonly string[] =>
      apply(options, host).map(({ change }) => change);

    beforeAll(async () => {
      scene = await openScene({ placement, program: vsftpd, helper: DEFAULT_ANCHOR });
      host = rulesHost(scene.topology.firewall, 'nft');
      return () => scene.laboratory.close();
    });

    it('applying can be repeated, and removing restores the previous state', async () => {
      const before = await list();
      applied(options);
      const once = await list();
      expect(once).toMatch(/queue/i);
      applied({ ...RULES_DEFAULTS, queue: 5, failClosed: true });
      applied(options);
      expect(await list()).toBe(once);
      applied(undefined);
      expect(withoutEmptyTables(await list())).toBe(withoutEmptyTables(before));
    });

    describe('and the daemon', () => {
      let daemon: Daemon;
      beforeAll(async () => {
        applied(options);
        const { laboratory, topology, server } = scene;
        daemon = await Daemon.start(laboratory, topology.firewall, {
          ports: [server.settings.port],
          options: ['--workers', String(workers)],
        });
      });

      it.each(rows)('$label passes', (row) => expectAllPass(scene, row, daemon));

      it('each connection was read from its beginning, by one worker', async () => {
        await daemon.stop();
        expect(daemon.counter('midStream')).toBe(0);
        expect(daemon.counter('refused')).toBe(0);
        const readers = new Set(daemon.decisions.map(({ worker }) => worker));
        expect(readers.size).toBe(workers);
      });
    });
  },
);

/** iptables creates a table on first use and then keeps it, without rules. */
const withoutEmptyTables = (listing: string): string =>
  listing.replaceAll(/^\*(raw|mangle)\n(:.*\n)*COMMIT\n/gm, '');

function rowsOf(...labels: readonly string[]): readonly Row[] {
  const rows = ROWS.filter(({ label }) => labels.includes(label));
  if (rows.length !== labels.length) throw new Error(`no such rows: ${labels.join(', ')}`);
  return rows;
}
