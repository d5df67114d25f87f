import type { Flavour } from '../flavour.ts'

export const policies = (_flavour: Flavour): readonly string[] => []
