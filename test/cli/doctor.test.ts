import { describe, expect, test } from 'vitest'
import type { Finding } from '#ports/finding.ts'
import { told } from '#src/cli/doctor/doctor.ts'
import { runPabal, startService } from '../support/pabal-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const doctor = async (settings: Record<string, string>) => {
  const { code, out } = await runPabal(['doctor', '--json'], settings)
  const { healthy, findings } = JSON.parse(out) as { healthy: boolean; findings: Finding[] }
  return { code, healthy, findings, codes: findings.map((each) => each.code), out }
}

describe('./pabal doctor', () => {
  test('finds nothing wrong with a fresh data directory, and names providers without credentials', async () => {
    using directory = temporaryDirectory()
    const { code, healthy, findings } = await doctor({ PABAL_DATA_DIR: directory.path })
    expect([code, healthy]).toEqual([0, true])
    const without = findings.filter((each) => each.code === 'provider/no-credentials')
    expect(without.map(({ subject }) => subject)).toEqual(['apns', 'fcm', 'twilio', 'sendgrid'])
  })

  test('may look while the service runs', async () => {
    using directory = temporaryDirectory()
    const settings = { PABAL_DATA_DIR: directory.path }
    await using service = await startService(settings)
    const { code, findings } = await doctor(settings)
    expect(code).toBe(0)
    const said = findings.map(({ message }) => message).join('\n')
    expect(said).toContain(`pid ${service.process.pid}`)
    expect(said).toContain('synchronous=2')
  })

  test('names every wrong setting and ends with 1', async () => {
    const { code, findings } = await doctor({ PABAL_PORT: 'x', PABAL_COLOUR: 'red' })
    expect(code).toBe(1)
    expect(findings.map(({ level, code: each }) => [level, each])).toEqual([
      ['wrong', 'config/wrong'],
      ['wrong', 'config/wrong'],
    ])
  })

  test('looks at everything although a name is none of a setting', async () => {
    using directory = temporaryDirectory()
    const settings = { PABAL_DATA_DIR: directory.path, PABAL_COLOUR: 'red' }
    const { code, codes, findings } = await doctor(settings)
    expect(code).toBe(1)
    expect(findings[0]).toMatchObject({ level: 'wrong', code: 'config/wrong' })
    expect(findings[0]?.message).toContain('PABAL_COLOUR')
    expect(codes).toContain('provider/no-credentials')
    expect(codes.filter((each) => each === 'config/wrong')).toHaveLength(1)
  })

  test('says which file of a provider cannot be read', async () => {
    using directory = temporaryDirectory()
    const { code, codes } = await doctor({
      PABAL_DATA_DIR: directory.path,
      PABAL_FCM_SERVICE_ACCOUNT_FILE: `${directory.path}/none.json`,
    })
    expect(code).toBe(1)
    expect(codes).toContain('config/unreadable-file')
  })

  test('says that no sandbox answers', async () => {
    using directory = temporaryDirectory()
    const { code, codes } = await doctor({
      PABAL_DATA_DIR: directory.path,
      PABAL_SANDBOX_URL: 'http://127.0.0.1:1',
    })
    expect(code).toBe(1)
    expect(codes).toContain('sandbox/not-reached')
  })

  test('puts what is wrong last, with its code', () => {
    const finding = (level: Finding['level'], code: string): Finding => ({
      ...{ subject: 'log', level, code, message: `It is ${code}.` },
    })
    const lines = told([finding('wrong', 'a/b'), finding('ok', 'c/d'), finding('warning', 'e/f')])
    expect(lines.split('\n')).toEqual([
      'ok       log  It is c/d.',
      'warning  log  It is e/f. [e/f]',
      'WRONG    log  It is a/b. [a/b]',
      '',
      '1 wrong: Pabal must not start like this; 1 to look at. docs/errors.md explains the codes.',
      '',
    ])
  })
})
