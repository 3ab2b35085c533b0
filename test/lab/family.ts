/**
 * The two address families, and what is spelled differently in each.
 *
 * @module
 */

export const FAMILIES = [4, 6] as const;
export type Family = (typeof FAMILIES)[number];

/** One address in each family. */
export type AddressPair = Readonly<Record<Family, string>>;

/** The address as URLs want it. */
export const urlHost = (address: string): string => (address.includes(':') ? `[${address}]` : address);

export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4);
