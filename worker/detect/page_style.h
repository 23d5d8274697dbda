// What the evidence page adds to the style sheet of a report (worker/integrate/report_style.h).
#pragma once

namespace interceptor::worker {

inline constexpr char kPageStyle[] = R"css(
main { max-width: 960px; }
.file { color: var(--soft); overflow-wrap: anywhere; }
.verdict { border-left: 6px solid var(--reference); padding: 4px 0 1px 16px; }
.verdict.is-fake { border-color: var(--fake); } .verdict.is-real { border-color: var(--real); }
.lead { font-size: 1.125rem; }
.lead, .warnings, .missing { overflow-wrap: anywhere; }
.warnings { background: var(--warn-back); color: var(--warn); border-radius: 8px; padding: 12px 16px 1px; margin: 16px 0; }
.warnings h2 { font-size: 1rem; margin: 0; }
.tile .what .n { color: var(--text); }
.ratio svg.plot { max-width: 560px; margin: 8px 0; }
.real-zone { fill: var(--real); opacity: .22; } .fake-zone { fill: var(--fake); opacity: .22; }
.stem { stroke-width: 1.5; } .stem.fake { stroke: var(--fake); } .stem.real { stroke: var(--real); }
.no-face { stroke: var(--warn); stroke-width: 3; }
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(96px, 1fr)); gap: 8px; margin: 12px 0; }
.faces figure { padding: 4px; text-align: center; }
.faces img { display: block; width: 100%; aspect-ratio: 1; border-radius: 4px; }
figure.track { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; }
figure.track figcaption { flex: 1 1 200px; }
.picture { fill: none; stroke: var(--reference); } .box { fill: none; stroke: var(--curve); opacity: .3; }
.wrap { white-space: normal; } .left { float: left; }
th .n, td .n { white-space: nowrap; }
td:last-child:has(.wrap) { text-align: left; white-space: normal; min-width: 200px; }
dl { margin: 8px 0; } dt { color: var(--soft); font-size: .875rem; } dd { margin: 0 0 8px; overflow-wrap: anywhere; }
.hex { font-family: ui-monospace, monospace; font-size: .875rem; }
)css";

}  // namespace interceptor::worker
