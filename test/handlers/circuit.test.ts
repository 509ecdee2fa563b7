import { describe, expect, test } from 'vitest'
import { type CircuitState, createCircuit } from '#handlers/circuit.ts'
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
  const report = (result: Parameters<typeof circuit.report>[0], times: number) => {
    for (let made = 0; made < times; made += 1) circuit.report(result, '503')
  }
  return { clock, circuit, changes, report }
}

describe('a circuit', () => {
  test('opens at once when credentials are refused', () => {
    const { circuit } = open()
    circuit.report('config', 'InvalidProviderToken')
    expect(circuit.state).toMatchObject({ is: 'open', why: 'InvalidProviderToken' })
    expect([circuit.paused, circuit.admits()]).toEqual([true, false])
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
    circuit.report('config')
    await clock.advance(8_000)
    expect(circuit.admits()).toBe(false)
    await clock.advance(4_000)
    expect(circuit.paused).toBe(false)
    expect([circuit.admits(), circuit.admits(), circuit.paused]).toEqual([true, false, true])
    circuit.report('success')
    expect([circuit.admits(), circuit.admits()]).toEqual([true, true])
    expect(changes).toEqual(['open', 'probing', 'closed'])
  })

  test('doubles its pause up to five minutes while its probes fail', async () => {
    const { circuit, clock } = open()
    const pauses: number[] = []
    circuit.report('config')
    for (let times = 0; times < 8; times += 1) {
      const { state } = circuit
      if (state.is !== 'open') throw new Error('It is not open.')
      const pauseMs = state.untilMs - clock.monotonic()
      pauses.push(pauseMs)
      await clock.advance(pauseMs + 1)
      expect(circuit.admits()).toBe(true)
      circuit.report('failure', '503')
    }
    for (const [index, pauseMs] of pauses.entries()) {
      const expected = Math.min(300_000, 10_000 * 2 ** index)
      expect(pauseMs).toBeGreaterThanOrEqual(expected * 0.9)
      expect(pauseMs).toBeLessThanOrEqual(expected * 1.1)
    }
  })

  test('begins with a short pause again after it worked', async () => {
    const { circuit, clock } = open()
    circuit.report('config')
    await clock.advance(12_000)
    circuit.admits()
    circuit.report('config')
    await clock.advance(24_000)
    circuit.admits()
    circuit.report('success')
    circuit.report('config')
    await clock.advance(12_000)
    expect(circuit.paused).toBe(false)
  })

  test('gives the place of a probe that made no attempt to another', async () => {
    const { circuit, clock } = open()
    circuit.report('config', 'refused')
    await clock.advance(12_000)
    expect(circuit.admits()).toBe(true)
    circuit.release()
    expect(circuit.state).toMatchObject({ is: 'open', why: 'refused' })
    expect(circuit.admits()).toBe(true)
    expect(circuit.admits()).toBe(false)
  })

  test('is not changed by a release when it is closed or open', async () => {
    const { circuit, changes } = open()
    circuit.release()
    circuit.report('config')
    circuit.release()
    expect(circuit.paused).toBe(true)
    expect(changes).toEqual(['open'])
  })

  test('is not opened further by those who were under way when it opened', () => {
    const { circuit, changes } = open()
    circuit.report('config')
    circuit.report('config')
    circuit.report('failure', '503')
    expect(changes).toEqual(['open'])
  })
})
