import { NEVER } from '../core/backup-set.ts'
import type { Moment } from '../lib/clock.ts'
import { isoSeconds } from '../lib/time.ts'
import { utcMinuteOrSecond, type ParameterCodec } from './parameters.ts'

/** When a set ends: a moment of its own, never, or when its policy says. */
export interface SetEnd {
  readonly expiresAt: Moment | undefined
}

const WORDS: Readonly<Record<string, SetEnd>> = { Never: { expiresAt: NEVER }, Policy: { expiresAt: undefined } }

/** `ExpectExpireTime`: a UTC time, or one of two words of ours. */
export const setEnd: ParameterCodec<SetEnd> = {
  form: 'a time of the form YYYY-MM-DDThh:mmZ or YYYY-MM-DDThh:mm:ssZ, Never or Policy',
  parse(text) {
    const moment = utcMinuteOrSecond.parse(text)
    if (moment !== undefined) return { expiresAt: moment }
    return Object.hasOwn(WORDS, text) ? WORDS[text] : undefined
  },
}

/** `ExpectExpireTime` of a set: empty when no end is known. */
export const renderEnd = (expiresAt: Moment | undefined): string =>
  expiresAt === undefined ? '' : expiresAt === NEVER ? 'Never' : isoSeconds(expiresAt)
