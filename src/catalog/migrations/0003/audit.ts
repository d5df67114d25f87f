import type { Flavour } from '../flavour.ts'

export const audit = (_flavour: Flavour): readonly string[] => []
