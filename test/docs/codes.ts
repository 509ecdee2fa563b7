import { failures } from '#adapters/wire/failure.ts'
import { apiCodes } from '#api/problems.ts'
import { suppressionReasons } from '#domain/notification/events.ts'
import { refusalCodes } from '#domain/recorded-fact.ts'
import { sources } from './pages.ts'

const foreign = /^(?:application|text|multipart|image)\//

/** Every text of the form `area/code` that is no import and no media type. */
const slashed = (code: string): readonly string[] =>
  [...code.matchAll(/(?<!from |import\(|import )'([a-z][a-z-]*\/[a-z][a-z-]*)'/g)]
    .map(([, found]) => found!)
    .filter((found) => !foreign.test(found))

/** Codes that an attempt is given by us: `code: '…'`, or the second argument of `notSent`. */
const ofAttempts = (code: string): readonly string[] =>
  [...code.matchAll(/(?:\bcode: |notSent\(fenced, )'([a-z][a-z-]*)'/g)].map(([, found]) => found!)

const attemptSources = /^src\/(?:domain|handlers|adapters)\//
/** Part of a row's condition only: the row has another code, or is the end of a template's check. */
const neverRecorded = new Set(['expired-when-new'])

/** Every stable code that the sources can answer, record or print, each with one place where it stands. */
export const codesInSources = (): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  const add = (codes: Iterable<string>, place: string) => {
    for (const code of codes) if (!neverRecorded.has(code)) found.set(code, place)
  }
  for (const { path, code } of sources) {
    add(slashed(code), path)
    if (attemptSources.test(path)) add(ofAttempts(code), path)
  }
  add(refusalCodes, 'src/domain/recorded-fact.ts')
  add(apiCodes, 'src/api/problems.ts')
  add(suppressionReasons, 'src/domain/notification/events.ts')
  add(
    Object.values(failures).map((each) => each.code),
    'src/adapters/wire/failure.ts',
  )
  return found
}
