/**
 * The result of the four announcement grammars: the endpoint named in a line, or the fault. Offsets count
 * from the line's first byte.
 *
 * @module
 */
import type { IpAddress } from '../wire/ip-address.js';

export const MAX_PORT = 65_535;

export interface Endpoint {
  /** `undefined` if the grammar has no address (229): the announcer's own address applies. */
  readonly address: IpAddress | undefined;
  /** 1 to 65,535. */
  readonly port: number;
  /** A NAT rewrite replaces `[from, to)`: the six numbers, or the text from delimiter to delimiter. */
  readonly from: number;
  readonly to: number;
}

/** Every fault is also a refusal reason: see `RefusalReason`. */
export type EndpointFault = 'malformed' | 'octet-out-of-range' | 'port-out-of-range';

/** `Parsed<Endpoint, EndpointFault>`, plus the parts that could be read despite the fault, for reports. */
export type EndpointReading =
  | { readonly ok: true; readonly value: Endpoint }
  | {
      readonly ok: false;
      readonly fault: EndpointFault;
      readonly at: number;
      readonly address: IpAddress | undefined;
      readonly port: number | undefined;
    };

/** Reads the endpoint of the line `[start, end)`. The caller has already recognised the keyword. */
export type EndpointGrammar = (bytes: Buffer, start: number, end: number) => EndpointReading;

export const malformed = (at: number): EndpointReading => ({
  ok: false,
  fault: 'malformed',
  at,
  address: undefined,
  port: undefined,
});

/** Returns an endpoint, or a fault if the port is 0 or above 65,535. Ports are never taken modulo 65,536. */
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
