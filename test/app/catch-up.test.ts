import { expect, test } from 'vitest'
import type { Projection } from '#projections/projection.ts'
import type { Base } from '#src/app/base.ts'
import { createCatchUp } from '#src/app/catch-up.ts'
import { createFakeClock } from '../support/fake-clock.ts'

const projection = { name: 'notifications' } as Projection

/** A cluster whose log ends at 5 when it is first asked, and then goes on; its projector stands at `position`. */
const busy = (position: string) => {
  const clock = createFakeClock()
  const progress = [{ projection: 'notifications', generation: 0, position, caughtUp: false }]
  const core = {
    board: { progress, look: async () => undefined },
    clock,
    events: { head: async () => '5', comparePositions: (a: string, b: string) => +a - +b },
    readModels: { generations: async () => ({ active: 0 }) },
  }
  return { clock, catchUp: createCatchUp(core as unknown as Base) }
}

test('a read model in a cluster is up to date where the log ended, though that goes on', async () => {
  await busy('5').catchUp(projection)
})

test('one that does not get there is behind', async () => {
  const { clock, catchUp } = busy('4')
  const caughtUp = catchUp(projection)
  const refused = expect(caughtUp).rejects.toMatchObject({ code: 'projection/behind' })
  await clock.advance(21_000)
  await refused
})
