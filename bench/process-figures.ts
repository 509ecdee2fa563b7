import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Linux counts CPU time in hundredths of a second for every program to see (`getconf CLK_TCK`). */
const ticksPerSecond = 100

/** Resident memory, from the text of /proc/<pid>/status. */
export const parseRssMb = (status: string): number => {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(status)
  return match ? Number(match[1]) / 1_024 : Number.NaN
}

/** User and system time, from the text of /proc/<pid>/stat; the name in it may hold anything. */
export const parseCpuMs = (stat: string): number => {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1_000
}

export const rssMbOf = (pid: number): number =>
  parseRssMb(readFileSync(`/proc/${pid}/status`, 'utf8'))

export const cpuMsOf = (pid: number): number =>
  parseCpuMs(readFileSync(`/proc/${pid}/stat`, 'utf8'))

/** Bytes of all files in a directory. */
export const bytesIn = (directory: string): number =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((bytes, entry) => bytes + statSync(join(entry.parentPath, entry.name)).size, 0)
