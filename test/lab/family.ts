/**
 * The two address families, and how their spelling differs.
 *
 * @module
 */

export const FAMILIES = [4, 6] as const;
export type Family = (typeof FAMILIES)[number];

/** One address in each family. */
export type AddressPair = Readonly<Record<Family, string>>;

/** The address as written in URLs. */
export const urlHost = (address: string): string => (address.includes(':') ? `[${address}]` : address);

export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4);
