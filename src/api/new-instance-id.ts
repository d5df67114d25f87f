import { randomInt } from 'node:crypto'

const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz'

/** An id for an instance that was given none: pgm- and 17 random characters. */
export const randomInstanceId = (): string =>
  `pgm-${Array.from({ length: 17 }, () => LETTERS.charAt(randomInt(LETTERS.length))).join('')}`
