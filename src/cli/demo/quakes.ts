import { existsSync, readFileSync } from 'node:fs'
import { DemoFailure } from './failure.ts'
import type { Place } from './geography.ts'

/** One line of the catalogue; examples/earthquakes/README.md says what the fields mean. */
export interface Quake extends Place {
  readonly id: string
  /** The names that all networks gave it, `id` among them. */
  readonly ids: readonly string[]
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly magnitude: number
  readonly place: string
  readonly depthKm: number
  readonly tsunami: number
  readonly type: string
  readonly url: string
}

const catalogue = new URL(
  '../../../examples/earthquakes/earthquakes-2018-02.ndjson',
  import.meta.url,
)

export const parseQuakes = (text: string): readonly Quake[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Quake)

/** All events; explosions and quarry blasts too. */
export const readQuakes = (): readonly Quake[] => {
  if (existsSync(catalogue)) return parseQuakes(readFileSync(catalogue, 'utf8'))
  throw new DemoFailure(`${catalogue.pathname} is missing; get it back with: git checkout examples`)
}

export const isEarthquake = (event: Quake): boolean => event.type === 'earthquake'
