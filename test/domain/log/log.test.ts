import { describe, expect, test } from 'vitest'
import {
  decideLog,
  evolveLog,
  isOwn,
  type LogCommand,
  refuseUnfit,
  standingStream,
} from '#domain/log/log.ts'
import { UnknownEvent } from '#domain/recorded-fact.ts'
import { recoveryStream } from '#domain/recovery/recovery.ts'
import { type Fact, fact, recorded, refusalOf } from '../../support/given.ts'

const logOf = (facts: readonly Fact[]) =>
  recorded(facts).reduce<ReturnType<typeof evolveLog> | undefined>(evolveLog, undefined)

const started = fact('LogCopyStarted', { from: 'a' })
const advanced = fact('LogCopyAdvanced', { position: '10', events: 10 })
const finished = fact('LogCopyFinished', { events: 10, streams: 2, hash: 'h' })
const sealed = fact('LogSealed', { to: 'b' })

const begin = (over = {}): LogCommand => ({ do: 'begin-copy', from: 'a', empty: false, ...over })
const advance: LogCommand = { do: 'advance-copy', position: '10', events: 10 }
const finish: LogCommand = { do: 'finish-copy', events: 10, streams: 2, hash: 'h' }
const seal: LogCommand = { do: 'seal', to: 'b' }

const states: Readonly<Record<string, readonly Fact[]>> = {
  'of its own': [],
  'a copy that was begun': [started],
  'a copy that advanced': [started, advanced],
  'a finished copy': [started, advanced, finished],
  sealed: [sealed],
  'a finished copy that was sealed': [started, advanced, finished, sealed],
}
const commands = {
  begin: begin({ empty: true }),
  'begin when there is something': begin(),
  'begin from another': begin({ from: 'c' }),
  advance,
  finish,
  seal,
  'seal for another': { do: 'seal', to: 'c' },
} satisfies Record<string, LogCommand>
const other = 'log/other-source'
const unfinished = 'log/unfinished-copy'
type Row = Readonly<Record<keyof typeof commands, string>>
const begun: Omit<Row, 'advance' | 'finish'> = {
  begin: '',
  'begin when there is something': '',
  'begin from another': other,
  seal: unfinished,
  'seal for another': unfinished,
}
const closed: Row = {
  begin: 'log/sealed',
  'begin when there is something': 'log/sealed',
  'begin from another': 'log/sealed',
  advance: '',
  finish: '',
  seal: '',
  'seal for another': 'log/sealed',
}
const table: Readonly<Record<string, Row>> = {
  'of its own': {
    begin: 'LogCopyStarted',
    'begin when there is something': 'log/not-empty',
    'begin from another': 'log/not-empty',
    advance: '',
    finish: '',
    seal: 'LogSealed',
    'seal for another': 'LogSealed',
  },
  'a copy that was begun': { ...begun, advance: 'LogCopyAdvanced', finish: 'LogCopyFinished' },
  'a copy that advanced': { ...begun, advance: '', finish: 'LogCopyFinished' },
  'a finished copy': {
    ...{ ...begun, advance: '', finish: '' },
    ...{ seal: 'LogSealed', 'seal for another': 'LogSealed' },
  },
  sealed: closed,
  'a finished copy that was sealed': closed,
}

test('every state of a log has a row', () => {
  expect(Object.keys(table)).toEqual(Object.keys(states))
})

describe.each(Object.entries(states))('for a log that is %s,', (name, facts) => {
  test.each(Object.entries(commands))(
    'the order to %s answers as the table says',
    (order, command) => {
      let types: readonly string[] = []
      const refusal = refusalOf(() => {
        types = decideLog(logOf(facts), command).map((event) => event.type)
      })
      expect(refusal?.code ?? types.join(' ')).toBe(table[name]![order as keyof Row])
    },
  )
})

describe('nothing starts on a log', () => {
  const codeFor = (facts: readonly Fact[]) => refusalOf(() => refuseUnfit(logOf(facts)))?.code

  test('that is a copy, until that is finished', () => {
    expect(codeFor([started])).toBe(unfinished)
    expect(codeFor([started, advanced])).toBe(unfinished)
    expect(codeFor([started, advanced, finished])).toBeUndefined()
  })

  test('that was moved away, for ever', () => {
    expect(codeFor([sealed])).toBe('log/sealed')
    expect(codeFor([started, advanced, finished, sealed])).toBe('log/sealed')
  })

  test('but on any other', () => expect(codeFor([])).toBeUndefined())
})

test('an event of a newer version stops it', () => {
  expect(() => logOf([fact('LogMerged', {})])).toThrow(UnknownEvent)
})

test('the log tells of itself in streams that are known by their names', () => {
  expect([standingStream, recoveryStream].every(isOwn)).toBe(true)
  expect(['notification-1', 'app-pabal', 'recipient-pabal-1'].some(isOwn)).toBe(false)
})
