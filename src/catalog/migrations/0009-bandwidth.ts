import type { Flavour } from './flavour.ts'

/** The service has a limit of bandwidth. Never edited once it is on main. */
export const bandwidth = ({ int64 }: Flavour): readonly string[] => [
  // Bytes a second that all backups together put into the store; 0 for no limit.
  `alter table about add column bandwidth ${int64} not null default 0`,
]
