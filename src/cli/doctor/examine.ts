import { inspectDataDirectory } from '#adapters/sqlite/inspect-data-directory.ts'
import type { Clock } from '#ports/clock.ts'
import { StartRefused } from '#ports/errors.ts'
import type { Finding } from '#ports/finding.ts'
import { refusalOfControlPath } from '../../app/control.ts'
import { pathsOf } from '../../app/embedded.ts'
import { inspectCluster } from '../../app/inspect-cluster.ts'
import { openProviders } from '../../app/providers.ts'
import { withSandbox } from '../../app/sandbox-settings.ts'
import { type Config, ConfigError, type Env, isCluster, parseConfig } from '../../config.ts'

const providerNames = ['apns', 'fcm', 'twilio', 'sendgrid'] as const

/** Only that there are credentials, and that their files can be read: nobody is called. */
const inspectProviders = async (config: Config, clock: Clock): Promise<readonly Finding[]> => {
  try {
    const { config: pointed, authorities } = await withSandbox(config)
    const publicUrl = config.publicUrl ?? `http://${config.host}:${config.port}`
    await using providers = await openProviders(pointed, clock, publicUrl, authorities)
    const found = providerNames.map((subject): Finding => {
      if (providers.channels.has(subject)) {
        return {
          subject,
          level: 'ok',
          code: 'ok',
          message: `${subject} has credentials.`,
        }
      }
      const message = `${subject} has no credentials: what would go through it is deferred. docs/configuration.md says which settings it takes.`
      return { subject, level: 'warning', code: 'provider/no-credentials', message }
    })
    if (config.sandboxUrl === undefined) return found
    const message =
      'PABAL_SANDBOX_URL is set: the providers are simulated, and nobody is told anything.'
    return [...found, { subject: 'sandbox', level: 'warning', code: 'provider/simulated', message }]
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error
    return [{ subject: 'providers', level: 'wrong', code: error.code, message: error.message }]
  }
}

const inspectAddress = ({ publicUrl, sandboxUrl }: Config): readonly Finding[] => {
  if (publicUrl !== undefined || sandboxUrl !== undefined) return []
  const message =
    'PABAL_PUBLIC_URL is not set: providers would bring their receipts to the address that this process listens on.'
  return [{ subject: 'receipts', level: 'warning', code: 'config/no-public-url', message }]
}

interface Settings {
  /** Absent: too much is wrong to know what is meant. */
  readonly config?: Config | undefined
  readonly wrong: readonly Finding[]
}

const readSettings = (env: Env): Settings => {
  try {
    return { config: parseConfig(env), wrong: [] }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const wrong = error.problems.map(
      (message): Finding => ({
        subject: 'settings',
        level: 'wrong',
        code: 'config/wrong',
        message,
      }),
    )
    return { config: error.config, wrong }
  }
}

const inspectDirectory = async (dataDir: string): Promise<readonly Finding[]> => {
  const refusal = refusalOfControlPath(pathsOf(dataDir).control)
  const found = await inspectDataDirectory(dataDir)
  if (refusal === undefined) return found
  const { code, message } = refusal
  return [...found, { subject: 'log', level: 'wrong', code, message }]
}

/** Everything a start depends on, each thing with what it is. Nothing is changed. */
export const examine = async (
  env: Env,
  needs: { readonly clock: Clock; readonly expectedStreams?: number },
): Promise<readonly Finding[]> => {
  const { clock, expectedStreams } = needs
  const { config, wrong } = readSettings(env)
  if (config === undefined) return wrong
  const stores = isCluster(config)
    ? inspectCluster(config, clock, {
        ...(expectedStreams !== undefined && { expectedStreams }),
      })
    : inspectDirectory(config.dataDir)
  const found = await Promise.all([stores, inspectProviders(config, clock)])
  return [...wrong, ...found.flat(), ...inspectAddress(config)]
}
