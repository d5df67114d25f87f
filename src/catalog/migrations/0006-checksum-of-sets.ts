import type { Flavour } from './flavour.ts'

/** Version 6: a set knows the checksum of its download. Never edited once it is on main. */
export const checksumOfSets = ({ text }: Flavour): readonly string[] => [
  // CRC-64 of ECMA-182 in decimal: above 2^63, so no integer column holds it. Null for sets of before, which nobody reads again for it.
  `alter table sets add column checksum ${text}`,
]
