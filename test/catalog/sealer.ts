import { createSealer, type Sealer } from '../../src/lib/seal.ts'

/** A sealer of a key that is no secret. */
export const sealerOf = (fill: number): Sealer =>
  createSealer([Buffer.alloc(32, fill)], (message, { hint }) => new Error(`${message} | ${hint}`))
