/** Elements of SVG and HTML as text, with everything escaped; used by all plots and by the report. */

export type Attributes = Readonly<Record<string, string | number | undefined>>

/** Text for content or an attribute: no markup in it, and no character that XML forbids. */
export function escaped(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML forbids.
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;')
  )
}

/** An element; what is between its tags is markup already. Attributes that are undefined are left out. */
export function element(name: string, attributes: Attributes, ...content: string[]): string {
  const all = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) =>
        ` ${key}="${escaped(typeof value === 'number' ? coordinate(value) : `${value}`)}"`,
    )
    .join('')
  return content.length === 0 ? `<${name}${all}/>` : `<${name}${all}>${content.join('')}</${name}>`
}

/** Text in a plot. */
export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escaped(text))
}

/** A path through points; empty for none. */
export function path(
  points: readonly (readonly [number, number])[],
  attributes: Attributes,
): string {
  if (points.length === 0) return ''
  const d = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${coordinate(x)} ${coordinate(y)}`)
  return element('path', { d: d.join(''), ...attributes })
}

/** Two digits are a hundredth of a pixel. What is no number has no place: that is a defect of the plot. */
function coordinate(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} in a plot`)
  return `${Math.round(value * 100) / 100}`
}
