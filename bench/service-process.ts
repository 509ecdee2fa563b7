import { type Child, startChild } from './children.ts'

interface ServiceReady {
  readonly url: string
  readonly firstKey?: string
  readonly pid: number
  readonly synchronous: number
}

export interface SandboxReady {
  readonly controlUrl: string
  readonly apns: string
}

/** The simulated providers, in a process of their own. */
export const startSandbox = (): Promise<Child<SandboxReady>> =>
  startChild({ script: 'src/main.ts', args: ['sandbox', '--json', '--port', '0'] })

/** The limits that a provider sets are lifted; everything else is as it is by default. */
export const liftedLimits = {
  PABAL_APNS_RATE_PER_SECOND: '1000000',
  PABAL_RATE_LIMIT_PER_SECOND: '1000000',
}

/** As `./pabal` starts it. */
export const launcherArgs = ['--max-semi-space-size=16']
export const profiling = (dir: string): readonly string[] => ['--cpu-prof', `--cpu-prof-dir=${dir}`]

export const startService = (options: {
  readonly dataDir: string
  readonly sandboxUrl: string
  readonly profileDir?: string
}): Promise<Child<ServiceReady>> => {
  const { dataDir, sandboxUrl, profileDir } = options
  return startChild({
    script: 'src/main.ts',
    args: ['start', '--json'],
    env: {
      ...liftedLimits,
      PABAL_PORT: '0',
      PABAL_DATA_DIR: dataDir,
      PABAL_SANDBOX_URL: sandboxUrl,
      PABAL_LOG_LEVEL: 'warn',
    },
    nodeArgs: profileDir === undefined ? launcherArgs : [...launcherArgs, ...profiling(profileDir)],
  })
}

/** The log in a data directory. */
export const logFile = 'events.db'
