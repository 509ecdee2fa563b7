import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { openDouble } from './double.ts'
import type { Fault } from './faults.ts'

/**
 * The double as a process of its own, to be stopped, killed and started again on the same file:
 * `node main.ts --port N --file F` prints `{"url","pid","controlUrl"}` when it is ready.
 *
 * Control: `POST /faults` arms the fault of the body, `DELETE /faults` disarms all, `POST /drop` cuts all
 * connections, `GET /counts` tells what was asked and what struck.
 */
const { values } = parseArgs({
  options: { port: { type: 'string' }, file: { type: 'string' }, control: { type: 'string' } },
})
const double = await openDouble({
  port: Number(values.port ?? 0),
  ...(values.file === undefined ? {} : { file: values.file }),
})

const bodyOf = async (request: AsyncIterable<Buffer>): Promise<string> => {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}

const control = createServer(async (request, response) => {
  try {
    switch (`${request.method} ${request.url}`) {
      case 'POST /faults':
        double.faults.arm(JSON.parse(await bodyOf(request)) as Fault)
        break
      case 'DELETE /faults':
        double.faults.clear()
        break
      case 'POST /drop':
        double.dropConnections()
        break
      case 'GET /counts': {
        const events = double.log.events()
        const counts = { ...double.counts, events, struck: double.faults.struck() }
        return response.end(JSON.stringify(counts))
      }
      default:
        return response.writeHead(404).end()
    }
    response.writeHead(204).end()
  } catch (error) {
    response.writeHead(400).end(String(error))
  }
})

control.listen(Number(values.control ?? 0), '127.0.0.1', () => {
  const { port } = control.address() as AddressInfo
  const controlUrl = `http://127.0.0.1:${port}`
  process.stdout.write(`${JSON.stringify({ url: double.url, pid: process.pid, controlUrl })}\n`)
})

const stop = async (): Promise<void> => {
  control.close()
  control.closeAllConnections()
  await double[Symbol.asyncDispose]()
  process.exit(0)
}
process.once('SIGTERM', () => void stop())
process.once('SIGINT', () => void stop())
