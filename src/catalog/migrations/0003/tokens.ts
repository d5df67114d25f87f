import type { Flavour } from '../flavour.ts'

export const tokens = (_flavour: Flavour): readonly string[] => []
