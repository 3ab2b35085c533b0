/**
 * Calls a grammar on a line surrounded by other bytes, and converts the result to a form that a regular
 * expression can also produce.
 *
 * @module
 */
import type { EndpointFault, EndpointGrammar } from '../../src/ftp/endpoint.js';
import { formatIpAddress } from '../../src/wire/ip-address.js';

export type Verdict =
  | {
      readonly address: string | undefined;
      readonly port: number;
      readonly from: number;
      readonly to: number;
    }
  | {
      readonly fault: EndpointFault;
      readonly address: string | undefined;
      readonly port: number | undefined;
    };

/** Digits and commas around the line, so that reading past either end changes the result. */
const BEFORE = '9,9(|||';
const AFTER = ',9|9|)9';

export function readAside(grammar: EndpointGrammar, line: string): Verdict {
  const bytes = Buffer.from(BEFORE + line + AFTER, 'latin1');
  const reading = grammar(bytes, BEFORE.length, BEFORE.length + line.length);
  const { address, port } = reading.ok ? reading.value : reading;
  const text = address === undefined ? undefined : formatIpAddress(address);
  if (!reading.ok) return { fault: reading.fault, address: text, port };
  return { address: text, port: reading.value.port, from: reading.value.from, to: reading.value.to };
}
