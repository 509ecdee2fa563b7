import { describe, expect, test } from 'vitest'
import { createCredentials, type Permit } from '#handlers/credentials.ts'
import type { Outcome } from '#ports/channel.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createScriptedChannel } from '../support/scripted-channel.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const open = (ratePerSecond = 1_000_000) => {
  const clock = createFakeClock()
  const lines: string[] = []
  const note = (message: string) => void lines.push(message)
  const log = { debug: note, info: note, warn: note, error: note }
  const channel = createScriptedChannel('apns', clock)
  const credentials = createCredentials([{ name: 'apns', channel, ratePerSecond }], {
    clock,
    random: createSeededRandom(),
    log,
  })
  const credential = credentials.get('apns')!
  const never = new AbortController().signal
  const go = async (): Promise<Permit> => {
    const permit = await credential.permit(never)
    if (permit === 'paused') throw new Error('It is paused.')
    return permit
  }
  const report = async (outcome: Outcome, times: number) => {
    for (let made = 0; made < times; made += 1) (await go()).report(outcome)
  }
  return { clock, lines, credentials, credential, go, report, never }
}

const asWord = (permit: Permit | 'paused'): string => (permit === 'paused' ? permit : 'go')

const dead: Outcome = { is: 'endpoint-invalid', code: 'Unregistered', reason: 'Gone.' }
const busy: Outcome = { is: 'retry', code: '503', reason: 'busy' }

describe('credentials', () => {
  test('that are not there are paused', () => {
    const { credentials } = open()
    expect(credentials.get('fcm')).toBeUndefined()
    expect([credentials.isPaused('fcm'), credentials.isPaused('apns')]).toEqual([true, false])
    expect(credentials.all.map(({ name }) => name)).toEqual(['apns'])
  })

  test('make an attempt wait for its turn', async () => {
    const { credential, clock, never } = open(1)
    expect(asWord(await credential.permit(never))).toBe('go')
    let answer: string | undefined
    const asked = credential.permit(never).then((said) => {
      answer = asWord(said)
    })
    await clock.advance(900)
    expect(answer).toBeUndefined()
    await clock.advance(200)
    await asked
    expect(answer).toBe('go')
  })

  test('let nobody wait longer than five seconds', async () => {
    const { credential, clock, never } = open(0.1)
    expect(asWord(await credential.permit(never))).toBe('go')
    expect(await credential.permit(never)).toBe('paused')
    await clock.advance(6_000)
    const asked = credential.permit(never)
    await clock.advance(4_100)
    expect(asWord(await asked)).toBe('go')
  })

  test('let those go who wait when the service stops', async () => {
    const { credential, never } = open(1)
    const stopping = new AbortController()
    await credential.permit(never)
    const asked = credential.permit(stopping.signal)
    stopping.abort()
    expect(await asked).toBe('paused')
  })

  test('that were refused while somebody waited let him go', async () => {
    const { credential, clock, never, go } = open(1)
    const first = await go()
    const asked = credential.permit(never)
    first.report({ is: 'config', code: 'ExpiredToken', reason: 'Old.' })
    await clock.advance(1_100)
    expect(await asked).toBe('paused')
  })

  test('take no notice of a provider that says how long to wait, or refuses one message', async () => {
    const { credential, report } = open()
    await report({ ...busy, afterMs: 1_000 }, 50)
    await report({ is: 'permanent', code: 'BadMessage', reason: 'Bad.' }, 50)
    await report(dead, 50)
    await report({ is: 'opted-out', code: '21610', reason: 'STOP' }, 50)
    expect(credential.circuit.state.is).toBe('closed')
  })

  test.each([busy, { is: 'ambiguous', code: 'reset', reason: 'Broken.' } as Outcome])(
    'are paused by many failures: %o',
    async (outcome) => {
      const { credential, report, lines } = open()
      await report(outcome, 20)
      expect(credential.circuit.state.is).toBe('open')
      expect(lines).toEqual(['Sending under a credential is paused.'])
    },
  )
})
