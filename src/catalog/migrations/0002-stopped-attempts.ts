import type { Flavour } from './flavour.ts'

/** Version 2: a task knows how many of its attempts a stopping worker cut short. Never edited once it is on main. */
export const stoppedAttempts = ({ int64 }: Flavour): readonly string[] => [
  `alter table tasks add column stopped ${int64} not null default 0`,
]
