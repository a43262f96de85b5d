/** A strict reader of XML, so far as our pages have any: whatever is not well-formed throws. */

export interface Node {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly Node[]
  /** All text within, its entities read. */
  readonly text: string
}

type Open = { -readonly [Key in keyof Node]: Node[Key] } & { children: Node[] }

const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
}

function decode(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML forbids.
  if (/[<\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text))
    throw new Error(`not allowed in text: ${JSON.stringify(text)}`)
  return text.replaceAll(/&[^;]{0,10};?/g, (entity) => {
    const character = entities[entity]
    if (character === undefined) throw new Error(`unknown entity ${entity}`)
    return character
  })
}

/** The root element of a document. */
export function parseXml(source: string): Node {
  const root: Open = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  const tag = /<(\/?)([a-zA-Z][\w-]*)((?: [a-zA-Z][\w:-]*="[^"<]*")*)(\/?)>/y
  const body = source.replace(/^<!DOCTYPE html>\n/, '')
  let at = 0
  while (at < body.length) {
    const top = open.at(-1) as Open
    if (body[at] !== '<') {
      const end = body.indexOf('<', at)
      const text = decode(body.slice(at, end === -1 ? body.length : end))
      for (const each of open) each.text += text
      at = end === -1 ? body.length : end
      continue
    }
    tag.lastIndex = at
    const found = tag.exec(body)
    if (found === null) throw new Error(`no tag: ${body.slice(at, at + 60)}`)
    at = tag.lastIndex
    const [, closes, name = '', written = '', alone] = found
    if (closes === '/') {
      if (top.name !== name || written !== '') throw new Error(`</${name}> within <${top.name}>`)
      open.pop()
      continue
    }
    const attributes: Record<string, string> = {}
    for (const [, key = '', value = ''] of written.matchAll(/ ([^=]+)="([^"]*)"/g)) {
      if (key in attributes) throw new Error(`${key} twice in <${name}>`)
      attributes[key] = decode(value)
    }
    const node: Open = { name, attributes, children: [], text: '' }
    top.children.push(node)
    if (alone !== '/') open.push(node)
  }
  const [only] = root.children
  if (open.length !== 1 || root.children.length !== 1 || only === undefined)
    throw new Error(`${root.children.length} roots, ${open.length - 1} left open`)
  return only
}

/** All elements of a class, or of a name, below a node. */
export function find(node: Node, wanted: { class?: string; name?: string }): Node[] {
  return node.children.flatMap((child) => {
    const classes = (child.attributes.class ?? '').split(' ')
    const is =
      (wanted.class === undefined || classes.includes(wanted.class)) &&
      (wanted.name === undefined || child.name === wanted.name)
    return [...(is ? [child] : []), ...find(child, wanted)]
  })
}
