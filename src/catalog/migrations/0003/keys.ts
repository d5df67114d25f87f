import type { Flavour } from '../flavour.ts'

export const keys = ({ int64, text }: Flavour): readonly string[] => [
  // A key of an earlier version may do everything, as it could.
  `alter table access_keys add column role ${text} not null default 'admin' check (role in ('read', 'operate', 'admin'))`,
  // JSON lists; none for no limit.
  `alter table access_keys add column instances ${text}`,
  `alter table access_keys add column sources ${text}`,
  `alter table access_keys add column expires_at ${int64}`,
  // The secret before the last rotation, which signs too until then.
  `alter table access_keys add column old_secret ${text}`,
  `alter table access_keys add column old_until ${int64}`,
]
