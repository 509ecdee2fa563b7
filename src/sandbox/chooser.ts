import type { Answer, Provider, ScriptedAnswer } from './answers.ts'
import { magicOf, namedAnswer } from './magic.ts'
import { chance } from './seeded.ts'

export interface Decision {
  /** Undefined: the provider's normal success. */
  answer: Answer | undefined
  /** For the ledger: `success`, `script`, `refused`, a magic name, or `fault-` and one. */
  behaviour: string
  taken: boolean
}

export const faultNames = [
  '429',
  '429-retry-after',
  '503',
  '500',
  'cut',
  'reset',
  'silent',
] as const
export type FaultMix = Partial<Record<(typeof faultNames)[number], number>>

/** `silent` is rare because each costs the client a whole deadline. */
const usualMix: Record<(typeof faultNames)[number], number> = {
  '429': 25,
  '429-retry-after': 10,
  '503': 30,
  '500': 15,
  cut: 14,
  reset: 5,
  silent: 1,
}

const countsMax = 2_000_000
const success: Decision = { answer: undefined, behaviour: 'success', taken: true }

export interface Chooser {
  /** `correlation` may be empty: then the recipient stands for it. */
  choose(provider: Provider, to: string, correlation: string): Decision
  script(to: string, answers: readonly ScriptedAnswer[]): void
  setFaults(rate: number, mix?: FaultMix): void
}

interface ChooserOptions {
  seed: number
  faultRate: number
  faultMix?: FaultMix
}

/** A script comes before a magic recipient, that before a fault of the seed, and success last. */
export const createChooser = (options: ChooserOptions): Chooser => {
  const scripts = new Map<string, ScriptedAnswer[]>()
  const counts = new Map<string, number>()
  let faultRate = options.faultRate
  let mix = { ...usualMix, ...options.faultMix }

  /** How many requests this delivery has made before. Forgets all at a limit rather than grow for ever. */
  const countedBefore = (key: string): number => {
    const before = counts.get(key) ?? 0
    if (counts.size >= countsMax) counts.clear()
    counts.set(key, before + 1)
    return before
  }

  const decided = (answer: Answer, behaviour: string, draw: string): Decision => ({
    answer,
    behaviour,
    taken: isTaken(answer, () => chance(options.seed + 2, draw) < 0.5),
  })

  return {
    choose: (provider, to, correlation) => {
      const script = scripts.get(to)
      const magic = script === undefined ? magicOf(provider, to) : undefined
      if (script === undefined && magic === undefined && faultRate === 0) return success
      const nth = countedBefore(`${provider} ${to} ${correlation}`)
      const draw = `${provider} ${correlation || to} ${nth}`
      if (script !== undefined) {
        const next = script.shift()
        return next === undefined ? success : decided(namedAnswer(provider, next), 'script', draw)
      }
      if (magic !== undefined)
        return nth < magic.failuresMax ? decided(magic.answer, magic.name, draw) : success
      if (chance(options.seed, draw) >= faultRate) return success
      const name = pick(mix, chance(options.seed + 1, draw))
      if (name === undefined) return success
      return decided(namedAnswer(provider, { name }), `fault-${name}`, draw)
    },
    script: (to, answers) => {
      scripts.set(to, [...answers])
    },
    setFaults: (rate, changes) => {
      faultRate = rate
      mix = { ...mix, ...changes }
    },
  }
}

const isTaken = (answer: Answer, coin: () => boolean): boolean => {
  if ('behave' in answer) return answer.taken
  if (answer.taken !== undefined) return answer.taken
  if (answer.status === 500) return coin()
  return answer.status < 300
}

const pick = (mix: Required<FaultMix>, at: number): string | undefined => {
  const total = faultNames.reduce((sum, name) => sum + mix[name], 0)
  let left = at * total
  return faultNames.find((name) => {
    left -= mix[name]
    return left < 0
  })
}
