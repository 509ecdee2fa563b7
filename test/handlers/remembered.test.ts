import { describe, expect, test } from 'vitest'
import { remembered } from '#handlers/remembered.ts'

describe('a remembered name', () => {
  test('is made once', () => {
    const asked: string[] = []
    const nameOf = remembered(10, (app, name) => {
      asked.push(`${app} ${name}`)
      return `${app}/${name}`
    })
    expect([nameOf('a', 'x'), nameOf('a', 'x'), nameOf('b', 'x')]).toEqual(['a/x', 'a/x', 'b/x'])
    expect(asked).toEqual(['a x', 'b x'])
  })

  test('is made again after others have taken the room', () => {
    let made = 0
    const nameOf = remembered(2, (_app, name) => {
      made += 1
      return name
    })
    for (const name of ['1', '2', '3', '1']) expect(nameOf('a', name)).toBe(name)
    expect(made).toBe(4)
  })
})
