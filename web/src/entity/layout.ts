import type { Schemas } from '../api/client';

export type Graph = Schemas['HuntGraph'];
export type Node = Schemas['HuntNode'];
export type Edge = Schemas['HuntEdge'];

/** Placed is a node with where it stands, in pixels. */
export interface Placed extends Node {
  x: number;
  y: number;
}

/** Picture is a neighbourhood laid out in columns: the entity at the left, what is one step away beside it, and so on. */
export interface Picture {
  nodes: Placed[];
  edges: (Edge & { a: Placed; b: Placed })[];
  width: number;
  height: number;
}

export const column = 290; // from one step to the next
export const line = 26; // from one node to the one below
const margin = 20;
const labelRoom = 230;

/** layout places nodes: a column for each step; within it each stands near what it is tied to in the column before, kinds together. */
export function layout(g: Pick<Graph, 'nodes' | 'edges'>): Picture {
  const nodes = g.nodes ?? [];
  const last = Math.max(0, ...nodes.map((n) => n.step));
  const steps = Array.from({ length: last + 1 }, (_, s) => nodes.filter((n) => n.step === s));
  const tallest = Math.max(1, ...steps.map((s) => s.length));
  const height = tallest * line + 2 * margin;
  const at = new Map<string, Placed>();
  const before = parents(g.edges ?? []);
  for (const [s, list] of steps.entries()) {
    const wish = (n: Node) => mean((before.get(n.id) ?? []).flatMap((id) => at.get(id)?.y ?? [])) ?? height;
    const sorted = list
      .map((n) => ({ n, y: s < 2 ? 0 : wish(n) }))
      .sort(
        (p, q) =>
          p.y - q.y || p.n.kind.localeCompare(q.n.kind) || q.n.events - p.n.events || p.n.id.localeCompare(q.n.id),
      );
    for (const [i, { n }] of sorted.entries())
      at.set(n.id, { ...n, x: margin + s * column, y: margin + (i + 0.5) * line });
  }
  const edges = (g.edges ?? []).flatMap((e) => {
    const a = at.get(e.from);
    const b = at.get(e.to);
    return a && b ? [{ ...e, a, b }] : [];
  });
  return { nodes: [...at.values()], edges, width: margin + last * column + labelRoom, height };
}

function parents(edges: readonly Edge[]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const e of edges) {
    out.set(e.to, [...(out.get(e.to) ?? []), e.from]);
    out.set(e.from, [...(out.get(e.from) ?? []), e.to]);
  }
  return out;
}

function mean(list: readonly number[]): number | undefined {
  return list.length ? list.reduce((a, b) => a + b, 0) / list.length : undefined;
}

/** path draws a tie: a curve from column to column, or a bow at the left within one. */
export function path(a: Placed, b: Placed): string {
  if (a.x === b.x) return `M${a.x},${a.y} C${a.x - 34},${a.y} ${b.x - 34},${b.y} ${b.x},${b.y}`;
  const mid = (a.x + b.x) / 2;
  return `M${a.x},${a.y} C${mid},${a.y} ${mid},${b.y} ${b.x},${b.y}`;
}
