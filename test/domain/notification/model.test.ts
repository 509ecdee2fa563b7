import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Command } from '#domain/notification/commands.ts'
import { decide } from '#domain/notification/decide.ts'
import { type Lane, lanes, type NotificationEvent } from '#domain/notification/events.ts'
import { evolve } from '#domain/notification/evolve.ts'
import { type Action, dueTimes, next } from '#domain/notification/next.ts'
import type { State } from '#domain/notification/state.ts'
import { deliveryStatus, isOpen, isWaiting, statusOf } from '#domain/notification/status.ts'
import { Refusal } from '#domain/recorded-fact.ts'
import { hour, iso, minute, requestData, second, t0 } from '../../support/given.ts'
import { deliveriesOf } from './arbitrary-facts.ts'
import * as orders from './orders.ts'

/** One notification as the service treats it: it decides, records, and folds what it recorded. */
class Model {
  state: State
  now = t0
  revision = 0
  readonly dispatches: string[] = []

  /** What was decided; nothing for a refusal. */
  tell(command: Command): readonly NotificationEvent[] {
    let events: readonly NotificationEvent[] = []
    try {
      events = decide(this.state, command)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
    }
    for (const event of events) this.#record(event)
    return events
  }

  #record(event: NotificationEvent): void {
    if (event.type === 'NotificationDispatched') {
      const { deliveryId, attempt } = event.data
      const delivery = this.state!.deliveries.find((each) => each.deliveryId === deliveryId)!
      expect(isWaiting(deliveryStatus(this.state!, delivery))).toBe(true)
      this.dispatches.push(`${deliveryId}.${attempt}`)
    }
    this.state = evolve(this.state, {
      type: event.type,
      schemaVersion: 1,
      data: event.data as unknown as Readonly<Record<string, unknown>>,
      revision: this.revision++,
      metadata: { at: iso(this.now) },
    })
  }

  /** Does what is due on a lane until nothing is. */
  work(lane: Lane, policy = orders.smsPolicy): void {
    for (let rounds = 0; ; rounds++) {
      const actions = next(this.state, lane, this.now)
      if (actions.length === 0) return
      expect(rounds, 'a lane comes to an end').toBeLessThan(10)
      for (const action of actions) {
        expect(this.tell(this.#commandFor(action, policy)), action.do).toHaveLength(1)
      }
    }
  }

  #commandFor(action: Action, policy: typeof orders.smsPolicy): Command {
    switch (action.do) {
      case 'route':
        return orders.route({ deliveries: deliveriesOf(3) })
      case 'dispatch':
        return orders.dispatch({ ...action, deadline: this.now + 15 * second })
      case 'resolve':
        return orders.resolve({ ...action, now: this.now, policy })
      case 'unconfirm':
        return orders.unconfirm(action)
      default: {
        const deliveries = action.deliveryId === undefined ? [] : [action.deliveryId]
        return { do: action.do, deliveries, reason: 'due' }
      }
    }
  }
}

const terminal = (state: State) => state !== undefined && !isOpen(statusOf(state))

const checkDeliveries = ({ state, dispatches }: Model): void => {
  for (const delivery of state?.deliveries ?? []) {
    const numbers = delivery.attempts.map((each) => each.number)
    expect(numbers, 'attempts have no gaps').toEqual(numbers.map((_, index) => index + 1))
    const open = delivery.attempts.filter((each) => each.outcome === undefined)
    expect(open.length, 'open attempts').toBeLessThanOrEqual(1)
  }
  expect(new Set(dispatches).size, 'no attempt is made twice').toBe(dispatches.length)
}

const checkAgenda = ({ state }: Model): void => {
  if (!state) return
  const due = dueTimes(state)
  expect(Object.keys(due).length > 0, 'due exactly when open').toBe(isOpen(statusOf(state)))
  for (const lane of lanes) {
    const at = due[lane]
    if (at === undefined) {
      expect(next(state, lane, t0 + 1e6 * hour), lane).toEqual([])
    } else {
      expect(next(state, lane, at - 1), `${lane} before it is due`).toEqual([])
      expect(next(state, lane, at).length, `${lane} when it is due`).toBeGreaterThan(0)
    }
  }
  for (const delivery of state.deliveries) {
    const open = isOpen(deliveryStatus(state, delivery))
    if (open) expect(due[delivery.channel], 'what is open has a due time').toBeDefined()
  }
}

const checkActions = ({ state, now }: Model): void => {
  for (const at of [now, now + hour, now + 100 * hour]) {
    for (const action of lanes.flatMap((lane) => next(state, lane, at))) {
      expect(terminal(state), `${action.do} after the end`).toBe(false)
      const { deliveryId } = action as { deliveryId?: string }
      const delivery = state?.deliveries.find((each) => each.deliveryId === deliveryId)
      if (!delivery) continue
      const status = deliveryStatus(state!, delivery)
      if (action.do === 'resolve') expect(status).toBe('dispatched')
      else if (action.do === 'unconfirm') expect(status).toBe('accepted')
      else expect(isWaiting(status), `${action.do} of a ${status} delivery`).toBe(true)
    }
  }
}

const check = (model: Model): void => {
  checkDeliveries(model)
  checkAgenda(model)
  checkActions(model)
}

type Step = (model: Model) => void

const deliveryId = fc.constantFrom('d1', 'd2', 'd3')
const policy = fc.constantFrom(orders.smsPolicy, orders.collapsingPolicy)
const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const why = { code: '1', reason: 'said so' }
const final = ['permanent', 'endpoint-invalid', 'opted-out'] as const
const failures = ['retry', ...final] as const
const afterMs = fc.constantFrom(0, 20 * minute, 80 * hour, 1e18)
const answers = fc.oneof(
  fc.constantFrom('accepted' as const, 'delivered' as const).map((is) => ({ is })),
  fc
    .tuple(fc.constantFrom(...failures, 'ambiguous' as const, 'config' as const), afterMs)
    .map(([is, after]) => ({ is, ...why, afterMs: after })),
)
const receipts = fc.oneof(
  fc.constant({ is: 'delivered' as const }),
  fc.constantFrom('ambiguous' as const, ...final).map((is) => ({ is, ...why })),
)

/** About an attempt that was made: the last one, or one before. */
const about = (back: number, id: string, model: Model) => {
  const made = model.state?.deliveries.find((each) => each.deliveryId === id)?.attempts.length ?? 0
  return { deliveryId: id, attempt: Math.max(1, made - back), now: model.now }
}
const made = (model: Model, { deliveryId: id }: { deliveryId: string }): boolean =>
  (model.state?.deliveries.find((each) => each.deliveryId === id)?.attempts.length ?? 0) > 0

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.constantFrom(...lanes).map(
      (lane): Step =>
        (model) =>
          model.work(lane),
    ),
    weight: 6,
  },
  {
    arbitrary: fc.constantFrom(second, 20 * second, minute, hour, 11 * hour, 73 * hour).map(
      (ms): Step =>
        (model) => {
          model.now += ms
        },
    ),
    weight: 3,
  },
  {
    arbitrary: fc
      .record({ id: deliveryId, back: fc.nat(2), outcome: answers, policy, fraction })
      .map(
        ({ id, back, outcome, ...drawn }): Step =>
          (model) => {
            const which = about(back, id, model)
            if (made(model, which)) model.tell(orders.answer(outcome, { ...which, ...drawn }))
          },
      ),
    weight: 5,
  },
  {
    arbitrary: fc
      .record({ id: deliveryId, back: fc.nat(2), receipt: receipts, policy, fraction })
      .map(
        ({ id, back, receipt, ...drawn }): Step =>
          (model) => {
            model.tell(orders.receipt(receipt, { ...about(back, id, model), ...drawn }))
          },
      ),
    weight: 3,
  },
  fc.record({ id: deliveryId, back: fc.nat(2), policy, fraction }).map(
    ({ id, back, ...drawn }): Step =>
      (model) => {
        model.tell(orders.resolve({ ...about(back, id, model), ...drawn }))
      },
  ),
  fc.tuple(deliveryId, fc.nat(2)).map(
    ([id, back]): Step =>
      (model) => {
        const { now: _now, ...which } = about(back, id, model)
        model.tell(orders.suppress(which))
        model.tell(orders.unconfirm(which))
      },
  ),
  deliveryId.map(
    (id): Step =>
      (model) => {
        model.tell(orders.dispatch({ deliveryId: id, deadline: model.now + 15 * second }))
      },
  ),
  fc.tuple(fc.subarray(['d1', 'd2', 'd3']), fc.integer({ min: -1, max: 90 })).map(
    ([deliveries, hours]): Step =>
      (model) => {
        model.tell(orders.defer({ deliveries, until: model.now + hours * hour }))
      },
  ),
  fc.tuple(fc.subarray(['d1', 'd2', 'd3']), fc.constantFrom(orders.expire, orders.park)).map(
    ([deliveries, order]): Step =>
      (model) => {
        model.tell(order({ deliveries }))
      },
  ),
  fc.constant<Step>((model) => void model.tell(orders.cancel())),
  fc.boolean().map(
    (force): Step =>
      (model) =>
        void model.tell(orders.redrive({ force })),
  ),
)

const beginning = fc.record(
  {
    sendAt: fc.constantFrom(iso(t0 + hour), iso(t0 + 80 * hour)),
    expiresAt: fc.constantFrom(iso(t0 + 100 * hour), iso(t0 + 400 * hour)),
    noResend: fc.constant(true as const),
  },
  { requiredKeys: [] },
)

const requestedModel = (over: object): Model => {
  const model = new Model()
  model.tell(orders.request({ data: { ...requestData, ...over } }))
  return model
}

describe('whatever happens to a notification', () => {
  test('the laws of attempts, agenda and next hold after every step', () => {
    fc.assert(
      fc.property(beginning, fc.array(step, { maxLength: 60, size: 'max' }), (over, steps) => {
        const model = requestedModel(over)
        check(model)
        for (const each of steps) {
          each(model)
          check(model)
        }
      }),
      { numRuns: 600 },
    )
  })

  test('it is finished or parked in the end, when nothing more is said', () => {
    // Rare retries, so that 72 hours are few steps.
    const rare = { ...orders.collapsingPolicy, backoffBaseMs: 10 * hour, backoffCapMs: 20 * hour }
    fc.assert(
      fc.property(beginning, fc.array(step, { maxLength: 30 }), (over, steps) => {
        const model = requestedModel(over)
        for (const each of steps) each(model)
        for (let rounds = 0; model.state && isOpen(statusOf(model.state)); rounds++) {
          expect(rounds, 'what is pending moves').toBeLessThan(500)
          const due = Object.entries(dueTimes(model.state)) as [Lane, number][]
          model.now = Math.max(model.now, Math.min(...due.map(([, at]) => at)))
          for (const [lane] of due) model.work(lane, rare)
        }
        expect(terminal(model.state)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('what was delivered stays delivered', () => {
    fc.assert(
      fc.property(beginning, fc.array(step, { maxLength: 60, size: 'max' }), (over, steps) => {
        const model = requestedModel(over)
        const delivered = new Set<string>()
        for (const each of steps) {
          each(model)
          for (const delivery of model.state!.deliveries) {
            const is = deliveryStatus(model.state!, delivery) === 'delivered'
            if (is) delivered.add(delivery.deliveryId)
            else expect(delivered).not.toContain(delivery.deliveryId)
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})
