import type { Flavour } from './flavour.ts'

/** Version 5: a logical set knows its databases. Never edited once it is on main. */
export const databasesOfSets = ({ text }: Flavour): readonly string[] => [
  // JSON of pairs: a database's name, and that of its object. Null for a set that is not logical.
  `alter table sets add column databases ${text}`,
]
