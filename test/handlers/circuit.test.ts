import { describe, expect, test } from 'vitest'
import { type CircuitState, createCircuit, type Pass } from '#handlers/circuit.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createSeededRandom } from '../support/seeded-random.ts'

const open = () => {
  const clock = createFakeClock()
  const changes: CircuitState['is'][] = []
  const circuit = createCircuit({
    clock,
    random: createSeededRandom(),
    onChange: (state) => void changes.push(state.is),
  })
  const report = (result: Parameters<Pass['report']>[0], times: number) => {
    for (let made = 0; made < times; made += 1) circuit.enter()!.report(result, '503')
  }
  return { clock, circuit, changes, report }
}

describe('a circuit', () => {
  test('opens at once when credentials are refused', () => {
    const { circuit } = open()
    circuit.enter()!.report('config', 'InvalidProviderToken')
    expect(circuit.state).toMatchObject({ is: 'open', why: 'InvalidProviderToken' })
    expect([circuit.paused, circuit.enter()]).toEqual([true, undefined])
  })

  test('opens when half of twenty calls failed', () => {
    const { circuit, report } = open()
    report('success', 10)
    report('failure', 9)
    expect(circuit.state.is).toBe('closed')
    report('failure', 1)
    expect(circuit.state).toMatchObject({ is: 'open', why: '503' })
  })

  test('does not mind few failures, nor a minority of them', () => {
    const { circuit, report } = open()
    report('failure', 19)
    expect(circuit.state.is).toBe('closed')
    report('success', 30)
    report('failure', 10)
    expect(circuit.state.is).toBe('closed')
  })

  test('forgets what happened more than thirty seconds ago', async () => {
    const { circuit, report, clock } = open()
    report('failure', 19)
    await clock.advance(31_000)
    report('failure', 19)
    expect(circuit.state.is).toBe('closed')
  })

  test('lets one attempt through when its pause is over, and closes when that succeeds', async () => {
    const { circuit, clock, changes } = open()
    circuit.enter()!.report('config')
    await clock.advance(8_000)
    expect(circuit.enter()).toBeUndefined()
    await clock.advance(4_000)
    expect(circuit.paused).toBe(false)
    const probe = circuit.enter()!
    expect([probe.isProbe, circuit.enter(), circuit.paused]).toEqual([true, undefined, true])
    probe.report('success')
    expect([circuit.enter()?.isProbe, circuit.enter()?.isProbe]).toEqual([false, false])
    expect(changes).toEqual(['open', 'probing', 'closed'])
  })

  test('doubles its pause up to five minutes while its probes fail', async () => {
    const { circuit, clock } = open()
    const pauses: number[] = []
    circuit.enter()!.report('config')
    for (let times = 0; times < 8; times += 1) {
      const { state } = circuit
      if (state.is !== 'open') throw new Error('It is not open.')
      const pauseMs = state.untilMs - clock.monotonic()
      pauses.push(pauseMs)
      await clock.advance(pauseMs + 1)
      circuit.enter()!.report('failure', '503')
    }
    for (const [index, pauseMs] of pauses.entries()) {
      const expected = Math.min(300_000, 10_000 * 2 ** index)
      expect(pauseMs).toBeGreaterThanOrEqual(expected * 0.9)
      expect(pauseMs).toBeLessThanOrEqual(expected * 1.1)
    }
  })

  test('begins with a short pause again after it worked', async () => {
    const { circuit, clock } = open()
    circuit.enter()!.report('config')
    await clock.advance(12_000)
    circuit.enter()!.report('config')
    await clock.advance(24_000)
    circuit.enter()!.report('success')
    circuit.enter()!.report('config')
    await clock.advance(12_000)
    expect(circuit.paused).toBe(false)
  })

  test('gives the place of a probe that made no attempt to another', async () => {
    const { circuit, clock } = open()
    circuit.enter()!.report('config', 'refused')
    await clock.advance(12_000)
    const probe = circuit.enter()!
    probe.release()
    expect(circuit.state).toMatchObject({ is: 'open', why: 'refused' })
    expect(circuit.enter()?.isProbe).toBe(true)
    expect(circuit.enter()).toBeUndefined()
  })

  test('is not changed by the release of who does not probe', () => {
    const { circuit, changes } = open()
    const [first, second] = [circuit.enter()!, circuit.enter()!]
    first.release()
    first.report('config')
    second.release()
    expect(circuit.paused).toBe(true)
    expect(changes).toEqual(['open'])
  })

  test('is not opened further by those who were under way when it opened', () => {
    const { circuit, changes } = open()
    const attempts = [circuit.enter()!, circuit.enter()!, circuit.enter()!]
    attempts[0]!.report('config')
    attempts[1]!.report('config')
    attempts[2]!.report('failure', '503')
    expect(changes).toEqual(['open'])
  })

  test.each(['success', 'failure', 'config'] as const)(
    'takes no word (%s) for that of its probe from who began before the pause',
    async (result) => {
      const { circuit, clock } = open()
      const [refused, slow] = [circuit.enter()!, circuit.enter()!]
      refused.report('config', 'refused')
      await clock.advance(12_000)
      const probe = circuit.enter()!
      slow.report(result, '503')
      slow.release()
      expect(circuit.state).toEqual({ is: 'probing', why: 'refused' })
      probe.report('success')
      expect(circuit.state.is).toBe('closed')
    },
  )

  test('listens to a probe once, and not to one that was given back', async () => {
    const { circuit, clock } = open()
    circuit.enter()!.report('config', 'refused')
    await clock.advance(12_000)
    const given = circuit.enter()!
    given.release()
    const probe = circuit.enter()!
    given.report('success')
    given.release()
    expect(circuit.state.is).toBe('probing')
    probe.report('failure', '503')
    probe.report('success')
    expect(circuit.state.is).toBe('open')
  })
})

describe('what other processes say of a circuit', () => {
  test('pauses it, and ends its pause', async () => {
    const { circuit, clock, changes } = open()
    circuit.hearOpen(clock.monotonic() + 5_000, 'refused', 1)
    expect([circuit.paused, circuit.enter()]).toEqual([true, undefined])
    circuit.hearClosed()
    circuit.hearClosed()
    expect(circuit.enter()?.isProbe).toBe(false)
    expect(changes).toEqual(['open', 'closed'])
  })

  test('does not shorten a pause, nor take the place of who probes', async () => {
    const { circuit, clock } = open()
    circuit.hearOpen(clock.monotonic() + 5_000, 'refused', 1)
    circuit.hearOpen(clock.monotonic() + 1_000, 'refused', 1)
    await clock.advance(2_000)
    expect(circuit.paused).toBe(true)
    await clock.advance(4_000)
    expect(circuit.enter()?.isProbe).toBe(true)
    circuit.hearOpen(clock.monotonic() + 5_000, 'refused', 2)
    expect(circuit.state.is).toBe('probing')
  })

  test('counts for how long the next pause is', async () => {
    const { circuit, clock } = open()
    circuit.hearOpen(clock.monotonic(), 'refused', 3)
    circuit.enter()!.report('config', 'refused')
    await clock.advance(70_000)
    expect(circuit.paused).toBe(true)
    await clock.advance(20_000)
    expect(circuit.paused).toBe(false)
  })
})
