type Where =
  | 'text'
  | 'open'
  | 'end-open'
  | 'markup'
  | 'comment'
  | 'tag-name'
  | 'tag'
  | 'name'
  | 'after-name'
  | 'before-value'
  | 'unquoted'
  | 'double'
  | 'single'
  | 'raw'

/**
 * Where in an HTML text a value would stand. Escaping makes a value safe in text and in quoted attributes,
 * not elsewhere, so the check follows the markup as Go's html/template does.
 */
export interface Place {
  readonly where: Where
  /** Of the tag that is open, `/…` for an end tag; or of the raw element: `script`, `style`. */
  readonly tag: string
  /** Of the attribute that is open. */
  readonly attribute: string
  /** Nothing of the value was written yet: a URL's scheme is still open. */
  readonly empty: boolean
  /** The last characters within a comment or a raw element, to see its end. */
  readonly tail: string
}

export const TEXT: Place = { where: 'text', tag: '', attribute: '', empty: true, tail: '' }

const RAW_ELEMENT = /^(?:script|style|iframe|noembed|noframes|noscript|xmp|plaintext)$/
const URL_ATTRIBUTE =
  /^(?:href|src|action|formaction|poster|background|cite|data|longdesc|ping|xlink:href|srcset|imagesrcset)$/
const CODE_ATTRIBUTE = /^(?:on.*|style|srcdoc)$/
const SPACE = /\s/
const LETTER = /[a-z]/i

const closed = (place: Place): Place =>
  RAW_ELEMENT.test(place.tag) ? { ...TEXT, where: 'raw', tag: place.tag } : TEXT

const outOfAttribute = (place: Place): Place => ({ ...place, where: 'tag', attribute: '' })

/** One character on, within a tag. */
const inTag = (place: Place, char: string): Place => {
  if (char === '>') return closed(place)
  const space = SPACE.test(char)
  switch (place.where) {
    case 'tag-name':
      if (space || char === '/') return outOfAttribute(place)
      return { ...place, tag: place.tag + char.toLowerCase() }
    case 'name':
      if (space) return { ...place, where: 'after-name' }
      if (char === '/') return outOfAttribute(place)
      if (char === '=') return { ...place, where: 'before-value' }
      return { ...place, attribute: place.attribute + char.toLowerCase() }
    case 'after-name':
      if (char === '=') return { ...place, where: 'before-value' }
      break
    case 'before-value':
      if (space) return place
      if (char === '"') return { ...place, where: 'double', empty: true }
      if (char === "'") return { ...place, where: 'single', empty: true }
      return { ...place, where: 'unquoted' }
    case 'unquoted':
      return space ? outOfAttribute(place) : place
  }
  if (space) return place
  if (char === '/') return outOfAttribute(place)
  return { ...place, where: 'name', attribute: char.toLowerCase() }
}

const step = (place: Place, char: string): Place => {
  switch (place.where) {
    case 'text':
      return char === '<' ? { ...place, where: 'open' } : place
    case 'open':
      if (char === '/') return { ...place, where: 'end-open' }
      if (char === '!' || char === '?') return { ...place, where: 'markup', tail: char }
      if (LETTER.test(char)) return { ...place, where: 'tag-name', tag: char.toLowerCase() }
      return char === '<' ? place : TEXT
    case 'end-open':
      if (LETTER.test(char)) return { ...place, where: 'tag-name', tag: `/${char.toLowerCase()}` }
      return char === '>' ? TEXT : { ...place, where: 'markup', tail: '' }
    case 'markup': {
      if (char === '>') return TEXT
      const tail = `${place.tail}${char}`.slice(0, 4)
      return tail === '!--' ? { ...place, where: 'comment', tail: '--' } : { ...place, tail }
    }
    case 'comment':
      // `<!-->` and `--!>` end a comment too.
      if (char === '>' && /--!?$/.test(place.tail)) return TEXT
      return { ...place, tail: `${place.tail}${char}`.slice(-3) }
    case 'raw': {
      const tail = `${place.tail}${char}`.slice(-place.tag.length - 2)
      if (tail.toLowerCase() !== `</${place.tag}`) return { ...place, tail }
      return { ...TEXT, where: 'tag-name', tag: `/${place.tag}` }
    }
    case 'double':
    case 'single':
      if (char === (place.where === 'double' ? '"' : "'")) return outOfAttribute(place)
      return place.empty && !SPACE.test(char) ? { ...place, empty: false } : place
    default:
      return inTag(place, char)
  }
}

export const afterText = (place: Place, text: string): Place => {
  let now = place
  for (const char of text) now = step(now, char)
  return now
}

export const afterValue = (place: Place): Place =>
  place.empty ? { ...place, empty: false } : place

/** Why a value must not stand here, if it must not. */
export const unsafe = (place: Place, isSafeUrl: boolean): string | undefined => {
  if (place.where === 'text' || place.where === 'comment') return undefined
  if (place.where !== 'double' && place.where !== 'single')
    return 'A value may stand in text and in quoted attributes only.'
  if (CODE_ATTRIBUTE.test(place.attribute))
    return `A value must not stand in the attribute ${place.attribute}.`
  if (place.empty && URL_ATTRIBUTE.test(place.attribute) && !isSafeUrl)
    return `A URL in ${place.attribute} must be written {{safeUrl …}}, or begin with its scheme.`
  return undefined
}

/** After a block: all its branches must have ended in the same place, or what follows is undecided. */
export const joined = (one: Place, other: Place): Place | undefined =>
  one.where === other.where && one.tag === other.tag && one.attribute === other.attribute
    ? { ...one, empty: one.empty || other.empty }
    : undefined
