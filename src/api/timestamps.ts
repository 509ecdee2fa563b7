import { invalid } from './check.ts'

const daysOf = (year: number, month: number): number =>
  month === 2
    ? year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
      ? 29
      : 28
    : [4, 6, 9, 11].includes(month)
      ? 30
      : 31

/** Beyond these, times in UTC would not order as texts do. */
const earliest = Date.parse('0001-01-01T00:00:00Z')
const latest = Date.parse('9999-12-31T23:59:59.999Z')

/** Of a text that has the form; `Date.parse` alone takes 30 February for 2 March. */
export const timeOf = (text: string, pointer: string): number => {
  const day = Number(text.slice(8, 10))
  const ms = Date.parse(text)
  const exists = day <= daysOf(Number(text.slice(0, 4)), Number(text.slice(5, 7)))
  if (exists && ms >= earliest && ms <= latest) return ms
  throw invalid(pointer, 'There is no such time.')
}
