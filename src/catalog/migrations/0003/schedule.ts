import type { Flavour } from '../flavour.ts'

export const schedule = (_flavour: Flavour): readonly string[] => []
