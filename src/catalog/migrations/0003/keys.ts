import type { Flavour } from '../flavour.ts'

export const keys = (_flavour: Flavour): readonly string[] => []
