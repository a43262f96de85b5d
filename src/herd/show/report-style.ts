/** How the report looks: from a telephone to a wide screen, light and dark, on paper, and without any network. */

import { plotCss, themeCss } from './theme.js'

export const reportCss = `${themeCss(':root')}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1320px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .4em}
h2{font-size:1.25rem;margin:2.4em 0 .3em}
h3{font-size:1.02rem;margin:1.6em 0 .3em}
p,ul{max-width:46rem;margin:.4em 0 .8em}
p.verdict{font-size:1.12rem;border-left:4px solid var(--c6);padding:.1em 0 .1em .8em;margin:1em 0}
.soft,footer{color:var(--soft)}
dl.machine{display:flex;flex-wrap:wrap;gap:2px 22px;margin:0;color:var(--soft);font-size:.9rem}
dl.machine div{display:flex;gap:.45em}dl.machine dt{font-weight:600}dl.machine dd{margin:0}
.care{background:var(--alarm-paper);color:var(--alarm);border-radius:6px;padding:.6em .9em;font-size:.9rem;margin:.7em 0;max-width:none}
.care ul{margin:.2em 0;padding-left:1.2em;max-width:none}
.mark{color:var(--alarm);text-decoration:none;padding-left:.35em}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:16px;align-items:start}
figure{margin:0;background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:4px;max-width:620px;width:100%}
figure svg{display:block;width:100%;height:auto}
.wide{overflow-x:auto;background:var(--paper);border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;font-size:.82rem;line-height:1.3;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:5px 7px;text-align:right;vertical-align:top;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--soft);font-weight:600;vertical-align:bottom;min-width:4em}
th[scope=row],thead th:first-child{text-align:left;position:sticky;left:0;background:var(--paper);white-space:nowrap;min-width:0}
tr.kind th{text-align:left;font-weight:500;color:var(--soft);background:var(--page)}
td b{display:block;font-weight:600;white-space:nowrap}
td small,td i{display:block;color:var(--soft);font-size:.92em;font-style:normal;white-space:nowrap}
td i{color:var(--c3)}td i.open{color:var(--soft);font-style:italic}
td.none{color:var(--soft)}
dl.words dt{font-weight:600}dl.words dd{margin:0 0 .35em 1.2em}
code{font:.92em ui-monospace,monospace;overflow-wrap:anywhere}
@media print{body{background:none}figure,.wide{break-inside:avoid}}
${plotCss}`
