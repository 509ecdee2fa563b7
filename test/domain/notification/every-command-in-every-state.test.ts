import { describe, expect, test } from 'vitest'
import type { Command } from '#domain/notification/commands.ts'
import { decide } from '#domain/notification/decide.ts'
import type { NotificationEventType } from '#domain/notification/events.ts'
import { type Fact, fact, hour, notificationOf, refusalOf, t0 } from '../../support/given.ts'
import * as orders from './orders.ts'
import { states } from './states.ts'

/** Each command as a column, about the latest attempt. */
const columns: Readonly<Record<string, readonly [name: string, of: (attempt: number) => Command]>> =
  {
    req: ['a request', () => orders.request()],
    rou: ['a routing', () => orders.route()],
    dis: ['a dispatch', () => orders.dispatch()],
    acc: ['an answer that accepts', (attempt) => orders.answer({ is: 'accepted' }, { attempt })],
    ret: ['an answer to try again', (attempt) => orders.answer(orders.busy, { attempt })],
    rcp: ['a good receipt', (attempt) => orders.receipt({ is: 'delivered' }, { attempt })],
    rcf: ['a bad receipt', (attempt) => orders.receipt(orders.refused, { attempt })],
    res: ['a time-out', (attempt) => orders.resolve({ attempt })],
    sup: ['an opt-out at the last moment', (attempt) => orders.suppress({ attempt })],
    def: ['a deferral', () => orders.defer()],
    unc: ['an overdue receipt', (attempt) => orders.unconfirm({ attempt })],
    exp: ['its expiry', () => orders.expire()],
    par: ['its parking', () => orders.park()],
    can: ['a cancel', () => orders.cancel()],
    red: ['a redrive', () => orders.redrive()],
    for: ['a forced redrive', () => orders.redrive({ force: true })],
  }

/** A command without a column does not compile. */
const columnOf = {
  request: ['req'],
  route: ['rou'],
  dispatch: ['dis'],
  'record-outcome': ['acc', 'ret'],
  'record-receipt': ['rcp', 'rcf'],
  resolve: ['res'],
  suppress: ['sup'],
  defer: ['def'],
  unconfirm: ['unc'],
  expire: ['exp'],
  park: ['par'],
  cancel: ['can'],
  redrive: ['red', 'for'],
} satisfies Record<Command['do'], readonly string[]>

/** What a cell says: an event, nothing (`.`), or a refusal. */
const words: Readonly<
  Record<string, NotificationEventType | 'nothing' | `notification/${string}`>
> = {
  '.': 'nothing',
  '!f': 'notification/not-found',
  '!r': 'notification/not-routed',
  Req: 'NotificationRequested',
  Rou: 'NotificationRouted',
  Dis: 'NotificationDispatched',
  Acc: 'NotificationAccepted',
  Del: 'NotificationDelivered',
  Fai: 'NotificationFailed',
  Sup: 'NotificationSuppressed',
  Def: 'NotificationDeferred',
  Unc: 'NotificationUnconfirmed',
  Exp: 'NotificationExpired',
  Par: 'NotificationParked',
  Can: 'NotificationCancelled',
  Red: 'NotificationRedriven',
}

const grid = `
state                            req rou dis acc ret rcp rcf res sup def unc exp par can red for
absent                           Req !f  !f  !f  !f  !f  !f  !f  !f  !f  !f  !f  !f  !f  !f  !f
requested                        .   Rou !r  !r  !r  !r  !r  !r  !r  Def !r  Exp Par Can .   .
scheduled                        .   Rou !r  !r  !r  !r  !r  !r  !r  Def !r  Exp Par Can .   .
deferred before routing          .   Rou !r  !r  !r  !r  !r  !r  !r  Def !r  Exp Par Can .   .
expired before routing           .   .   !r  !r  !r  !r  !r  !r  !r  .   !r  .   .   .   .   .
parked before routing            .   .   !r  !r  !r  !r  !r  !r  !r  .   !r  .   .   Can Red Red
cancelled before routing         .   .   !r  !r  !r  !r  !r  !r  !r  .   !r  .   .   .   .   .
redriven before routing          .   Rou !r  !r  !r  !r  !r  !r  !r  Def !r  Exp Par Can .   .
routed to nobody                 .   .   !r  !r  !r  !r  !r  !r  !r  .   !r  .   .   .   .   .
routed                           .   .   Dis Acc Fai .   .   .   .   Def .   Exp Par Can .   .
deferred                         .   .   Dis Acc Fai .   .   .   .   Def .   Exp Par Can .   .
dispatched                       .   .   .   Acc Fai Del Fai Fai Sup .   .   .   .   Can .   .
dispatched again                 .   .   .   Acc Fai Del Fai Fai Sup .   .   .   .   Can .   .
cancelled while dispatched       .   .   .   Acc Fai Del Fai Fai Sup .   .   .   .   .   .   .
retrying                         .   .   Dis .   .   Del Fai .   .   Def .   Exp Par Can .   .
retrying after no answer         .   .   Dis Acc Fai Del Fai .   Sup Def .   Exp Par Can .   .
deferred while retrying          .   .   Dis .   .   Del Fai .   .   Def .   Exp Par Can .   .
given up                         .   .   Dis Acc Fai Del Fai .   Sup Def .   Exp Par Can .   .
accepted                         .   .   .   .   .   Del Fai .   .   .   Unc .   .   Can .   .
cancelled after accepted         .   .   .   .   .   Del Fai .   .   .   Unc .   .   .   .   .
delivered                        .   .   .   .   .   .   .   .   .   .   .   .   .   .   .   .
delivered while dispatched again .   .   .   Acc Fai Del Fai Fai Sup .   .   .   .   .   .   .
unconfirmed                      .   .   .   .   .   Del Fai .   .   .   .   .   .   .   .   .
failed                           .   .   .   .   .   Del Fai .   .   .   .   .   .   .   Red Red
unknown                          .   .   .   Acc Fai Del Fai .   Sup .   .   .   .   .   .   Red
suppressed                       .   .   .   .   .   Del Fai .   .   .   .   .   .   .   .   .
expired                          .   .   .   Acc Fai .   .   .   .   .   .   .   .   .   .   .
parked                           .   .   .   Acc Fai Del Fai .   Sup .   .   .   .   Can Red Red
cancelled                        .   .   .   Acc Fai .   .   .   .   .   .   .   .   .   .   .
redriven                         .   .   Dis .   .   Del Fai .   .   Def .   Exp Par Can .   .
open until it is too late        .   .   Dis Acc Fai .   .   .   .   Def .   Exp Par Can .   .
deferred past its end            .   .   Dis Acc Fai .   .   .   .   Def .   Exp Par Can .   .
`

const [head, ...lines] = grid.trim().split('\n')
const orderNames = head!.trim().split(/\s+/).slice(1)
const rows = new Map(
  lines.map((line) => {
    const cells = line.trim().split(/\s+/)
    const name = cells.splice(0, cells.length - orderNames.length).join(' ')
    return [name, cells] as const
  }),
)

const attemptOf = (facts: readonly Fact[]): number =>
  notificationOf(facts)?.deliveries[0]?.attempts.at(-1)?.number ?? 1

/** In the words of the table. */
const answerTo = (facts: readonly Fact[], command: Command): string => {
  let events: readonly { readonly type: string }[] = []
  const refusal = refusalOf(() => {
    events = decide(notificationOf(facts), command)
  })
  return refusal?.code ?? (events.map((event) => event.type).join(' ') || 'nothing')
}

test('the table has a row for every state and a column for every command', () => {
  expect([...rows.keys()].sort()).toEqual(Object.keys(states).sort())
  expect(orderNames.toSorted()).toEqual(Object.keys(columns).sort())
  expect(Object.values(columnOf).flat().sort()).toEqual(Object.keys(columns).sort())
})

const sentence = (word: string) => {
  if (word === 'nothing') return 'changes nothing'
  return word.includes('/') ? `is refused as ${word}` : `gives ${word}`
}

describe.each(Object.entries(states))('for a notification that is %s,', (name, { facts }) => {
  const attempt = attemptOf(facts)
  const cells = orderNames.map((order, index) => {
    const word = words[rows.get(name)?.[index] ?? ''] ?? 'an expectation is missing'
    const [command, of] = columns[order]!
    return { order, command, of, word, does: sentence(word) }
  })

  test.each(cells)('$command $does', ({ of, word }) => {
    expect(answerTo(facts, of(attempt))).toBe(word)
  })

  // A deferral is the exception: it may be put off again, to another time.
  const repeatable = cells.filter(({ order, word }) => order !== 'def' && !word.includes('/'))
  test.each(repeatable)('$command that comes twice adds nothing', ({ of }) => {
    const command = of(attempt)
    const events = decide(notificationOf(facts), command)
    const since = events.map(({ type, data, personal }) => fact(type, data, t0 + hour, personal))
    expect(answerTo([...facts, ...since], command)).toBe('nothing')
  })
})
