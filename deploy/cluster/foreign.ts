import type { Server } from './servers.ts'

export const isAddress = (program: string): boolean => program.includes('://')

/** One that runs elsewhere: it is used, and neither started nor ended. */
export const foreignServer = (name: string, url: string): Server => {
  const refuse = (): never => {
    throw new Error(`This ${name} was started by somebody else; it is left alone.`)
  }
  return {
    ...{ name, url, pid: undefined, ready: {}, logFile: '' },
    start: async () => {},
    stop: async () => {},
    kill: async () => refuse(),
    gone: async () => {},
    freeze: refuse,
    thaw: refuse,
    wipe: refuse,
    [Symbol.asyncDispose]: async () => {},
  }
}
