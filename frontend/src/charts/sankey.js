// {"currency": "USD", "nodes": [{"id", "name", "kind": "in|stage|leak|now", "url"}], "links": [{"source", "target", "value", "url"}]}
// Money from left to right: what came in, what went on from joint to joint, what leaked (the colour of a fall) and where it stands now.
import { exactly, number, say } from "./numbers.js";
import { tooltip } from "./palette.js";

export function sankey(data, colors) {
  const unit = { unit: "money", currency: data.currency };
  const fill = { in: colors.series[0], stage: colors.total, leak: colors.down, now: colors.up };
  const name = Object.fromEntries(data.nodes.map((node) => [node.id, node.name]));
  const kind = Object.fromEntries(data.nodes.map((node) => [node.id, node.kind]));
  const said = (amount) => exactly(number(amount), unit);
  return {
    tooltip: tooltip(colors, ({ dataType, data: one, value }) => (dataType === "edge" ? `${name[one.source]} → ${name[one.target]}\n${said(one.value)}` : `${name[one.name]}\n${said(value)}`), "item"),
    series: [
      {
        type: "sankey",
        left: 4,
        right: 236,
        top: 8,
        bottom: 8,
        nodeGap: 14,
        nodeWidth: 12,
        nodeAlign: "justify",
        layoutIterations: 48,
        draggable: false,
        data: data.nodes.map((node) => ({ name: node.id, url: node.url, itemStyle: { color: fill[node.kind], borderWidth: 0 } })),
        links: data.links.map((link) => ({ ...link, value: number(link.value), lineStyle: { color: fill[kind[link.target] === "leak" ? "leak" : kind[link.source] === "in" ? "in" : kind[link.target]], opacity: kind[link.target] === "leak" ? 0.5 : 0.22, curveness: 0.5 } })),
        label: { color: colors.strong, fontSize: 11.5, fontFamily: "inherit", formatter: ({ name: id, value }) => `${name[id]}  ${say(number(value), unit)}`, width: 224, overflow: "truncate" },
        emphasis: { disabled: true },
      },
    ],
  };
}
