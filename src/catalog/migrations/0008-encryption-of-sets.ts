import type { Flavour } from './flavour.ts'

/** Version 8: a set knows to whom it is encrypted. Never edited once it is on main. */
export const encryptionOfSets = ({ text }: Flavour): readonly string[] => [
  // JSON of what its manifest says. Null for a set that is not encrypted.
  `alter table sets add column encryption ${text}`,
]
