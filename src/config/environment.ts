import type { Environment } from './sources.ts'

/** The environment this process was started with. */
export const environment = (): Environment => ({ ...process.env })
