import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bytesOf,
  type EventRow,
  eventOf,
  prepareEvent,
  recordedOf,
} from '#adapters/sqlite/event-rows.ts'
import { newEvent } from '../../contracts/log-samples.ts'

const rowOf = (at: number, id: string): EventRow => [
  ...([7, 'notification-1', 0, id.replaceAll('-', ''), 'T', 1, at] as const),
  ...(['app', 'actor', 'correlation', null, null, '{}', null] as const),
]

describe('a row of the log', () => {
  test('gives back every time and every id', () => {
    const times = fc.array(
      fc.date({ noInvalidDate: true, min: new Date('1960-01-01'), max: new Date('9999-01-01') }),
      { minLength: 1 },
    )
    fc.assert(
      fc.property(times, fc.uuid(), (dates, id) => {
        for (const date of dates.flatMap((one) => [one, new Date(one.getTime() + 1), one])) {
          const event = eventOf(rowOf(date.getTime(), id))
          expect(event.metadata.at).toBe(date.toISOString())
          expect(event.id).toBe(id)
        }
        expect(Buffer.from(bytesOf(id)).toString('hex')).toBe(id.replaceAll('-', ''))
      }),
    )
  })

  test('has its fields in the order of an event just written', () => {
    const event = newEvent({ data: {}, personal: { name: '하림' } })
    const written = recordedOf(prepareEvent(event), 'notification-1', 0, 7)
    const row = rowOf(0, event.id).with(13, '{"name":"하림"}') as unknown as EventRow
    expect(Object.keys(eventOf(row))).toEqual(Object.keys(written))
  })
})
