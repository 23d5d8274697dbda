// The style sheet of a report's page: light and dark by the reader's preference, one column on a phone.
#pragma once

namespace interceptor::worker {

inline constexpr char kReportStyle[] = R"css(
:root {
  color-scheme: light dark;
  --page: #fcfcfb; --card: #ffffff; --text: #1c1d1f; --soft: #5a5e66; --rule: #dedfe3; --grid: #ececef;
  --curve: #3450b4; --reference: #a3a7b0; --fake: #c4501b; --real: #1f78a8; --warn: #8a4b00; --warn-back: #fdf0dc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15171a; --card: #1c1f23; --text: #e8e9eb; --soft: #a4a9b2; --rule: #363a41; --grid: #2a2e34;
    --curve: #90a8ff; --reference: #6d737e; --fake: #f0915f; --real: #62b6e0; --warn: #f2c27d; --warn-back: #3a2c14;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1160px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 8px; }
h2 { font-size: 1.2rem; margin: 40px 0 4px; }
h3 { font-size: 1rem; margin: 0 0 4px; }
p { margin: 4px 0 12px; max-width: 72ch; }
p.note, figcaption { color: var(--soft); font-size: .875rem; }
ul { margin: 4px 0 12px; padding-left: 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 12px; margin: 16px 0; }
.tile, figure { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 12px; margin: 0; }
.tile .what { color: var(--soft); font-size: .875rem; }
.tile .value { font-size: 1.25rem; font-weight: 600; }
.tile .value .ci { font-size: .875rem; font-weight: 400; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 12px; margin: 12px 0; }
.plots.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); }
.scroll { overflow-x: auto; border: 1px solid var(--rule); border-radius: 8px; background: var(--card); margin: 12px 0; }
.narrow { max-width: 320px; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { padding: 6px 10px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
tr:last-child > * { border-bottom: 0; }
thead th { color: var(--soft); font-weight: 500; vertical-align: bottom; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--card); }
@media (max-width: 600px) { th:first-child { max-width: 132px; white-space: normal; } }
td.text { text-align: left; white-space: normal; }
tr.fused > * { font-weight: 600; border-top: 2px solid var(--rule); }
tr.fused .ci { font-weight: 400; }
.n { font-variant-numeric: tabular-nums; }
.ci, .missing { color: var(--soft); }
.mark { color: var(--warn); background: var(--warn-back); border-radius: 4px; padding: 1px 6px; font-size: .8125rem;
  font-weight: 500; white-space: nowrap; }
details { margin: 8px 0; }
summary { cursor: pointer; padding: 4px 0; }
svg { display: block; overflow: visible; }
svg.plot { width: 100%; height: auto; max-width: 420px; margin: 4px auto 0; }
svg.forest { width: 96px; height: 14px; }
svg text { fill: var(--soft); font-size: 11px; }
svg .mid { text-anchor: middle; } svg .end { text-anchor: end; }
svg .count { font-size: 10px; } svg .fakes { fill: var(--fake); } svg .reals { fill: var(--real); }
.grid { stroke: var(--grid); } .diagonal { stroke: var(--reference); stroke-dasharray: 3 3; }
.base { stroke: var(--soft); } .interval { stroke: var(--curve); stroke-width: 2; }
.curve { fill: none; stroke: var(--curve); stroke-width: 2; stroke-linejoin: round; }
.reference { fill: none; stroke: var(--reference); stroke-width: 1.5; }
.dot { fill: var(--curve); } .hollow { fill: var(--card); stroke: var(--curve); stroke-width: 1.5; }
.fake { fill: var(--fake); } .real { fill: var(--real); }
)css";

}  // namespace interceptor::worker
