/** Colours of the plots, light and dark; used by every SVG file and, once, by the report. */

/*
 * After Okabe and Ito, whose eight colours are told apart by nearly everybody; yellow and orange are darker on paper
 * than theirs, to be seen on white. No plot depends on them: every line has its name beside it.
 */
const light = [
  ...['#20252b', '#c8500a', '#d99000', '#0067a8', '#b4568f', '#8a7a00', '#00865f', '#3d9fd6'],
]
const dark = [
  ...['#f0f2f4', '#ff8040', '#f0b03c', '#4aa8f0', '#e39ac6', '#e8dc50', '#2fc79a', '#8fd0f7'],
]

/** Strategies that are akin have one colour, as servers are never in one plot with the lab's own. */
const colours: Readonly<Record<string, number>> = {
  accept: 0,
  poll: 1,
  epoll: 2,
  epollexclusive: 3,
  reuseport: 4,
  flock: 5,
  command: 6,
  queue: 7,
  preforkd: 6,
  'cluster-rr': 1,
  'cluster-none': 2,
  'cluster-reuseport': 4,
}

/** The class of whatever is drawn in a strategy's colour; a name nobody knows is grey. */
export function colourOf(name: string): string {
  const number = Object.hasOwn(colours, name) ? colours[name] : undefined
  return number === undefined ? 'c-other' : `c${number}`
}

function variables(list: readonly string[], rest: string): string {
  return list.map((colour, i) => `--c${i}:${colour};`).join('') + rest
}

const lightVariables = variables(
  light,
  '--ink:#20252b;--soft:#59636e;--line:#e2e6ea;--edge:#98a2ad;--paper:#ffffff;--page:#f5f6f8;--alarm:#a33b00;--alarm-paper:#fff3e8;',
)
const darkVariables = variables(
  dark,
  '--ink:#e9edf1;--soft:#a4aeb9;--line:#313942;--edge:#6b7682;--paper:#181d23;--page:#0f1317;--alarm:#ffb27a;--alarm-paper:#33230f;',
)

/** The variables, for the element that a selector finds. */
export function themeCss(selector: string): string {
  return `${selector}{color-scheme:light dark;${lightVariables}}
@media (prefers-color-scheme:dark){${selector}{${darkVariables}}}`
}

/** How the parts of a plot look. */
export const plotCss = `
.plot{font:12px system-ui,sans-serif}
.plot text{fill:var(--ink)}
.plot .soft{fill:var(--soft)}
.plot .title{font-weight:600;font-size:13px}
.plot .small{font-size:11px}
.plot .paper{fill:var(--paper)}
.plot .grid{stroke:var(--line);stroke-width:1}
.plot .axis{stroke:var(--edge);stroke-width:1;fill:none}
.plot .end{text-anchor:end}
.plot .middle{text-anchor:middle}
.plot .curve{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}
.plot .leader{fill:none;stroke:currentColor;stroke-width:1;opacity:.55}
.plot .range{stroke:currentColor;stroke-width:1.5;opacity:.75}
.plot .front{fill:none;stroke:var(--edge);stroke-width:1.5;stroke-dasharray:4 3}
.plot .dot,.plot .bar{fill:currentColor}
.plot .hollow{fill:var(--paper);stroke:currentColor;stroke-width:1.2}
.plot .fair{stroke:var(--ink);stroke-width:1;stroke-dasharray:3 2}
${light.map((_, i) => `.plot .c${i}{color:var(--c${i})}`).join('')}
.plot .c-other{color:var(--soft)}
`
