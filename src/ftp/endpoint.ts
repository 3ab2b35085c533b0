/**
 * What the four announcement grammars answer: the endpoint that a line names, or what is wrong with it.
 * Offsets are counted from the line's first byte.
 *
 * @module
 */
import type { IpAddress } from '../wire/ip-address.js';

export const MAX_PORT = 65_535;

export interface Endpoint {
  /** `undefined` where the grammar has no address (229): the announcer's own is meant. */
  readonly address: IpAddress | undefined;
  /** 1 to 65,535. */
  readonly port: number;
  /** `[from, to)` is what a NAT rewrite replaces: the six numbers, or delimiter to delimiter. */
  readonly from: number;
  readonly to: number;
}

/** Every fault is also a refusal reason: see `RefusalReason`. */
export type EndpointFault = 'malformed' | 'octet-out-of-range' | 'port-out-of-range';

/** `Parsed<Endpoint, EndpointFault>` with what could be read in spite of the fault, for those who report it. */
export type EndpointReading =
  | { readonly ok: true; readonly value: Endpoint }
  | {
      readonly ok: false;
      readonly fault: EndpointFault;
      readonly at: number;
      readonly address: IpAddress | undefined;
      readonly port: number | undefined;
    };

/** Reads the endpoint of the line `[start, end)`, whose keyword the caller has recognised already. */
export type EndpointGrammar = (bytes: Buffer, start: number, end: number) => EndpointReading;

export const malformed = (at: number): EndpointReading => ({
  ok: false,
  fault: 'malformed',
  at,
  address: undefined,
  port: undefined,
});

/** Port 0 and ports past 65,535 (never taken modulo 65,536) are faults; the rest is an endpoint. */
export function endpointWithPort(
  address: IpAddress | undefined,
  port: number,
  portAt: number,
  from: number,
  to: number,
): EndpointReading {
  if (port < 1 || port > MAX_PORT) {
    return { ok: false, fault: 'port-out-of-range', at: portAt, address, port };
  }
  return { ok: true, value: { address, port, from, to } };
}
