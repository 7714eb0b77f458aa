import { useQuery } from '@tanstack/react-query';
import { type PointerEvent, useRef, useState } from 'react';
import { api, got } from '../api/client';
import { count } from '../ui/format';
import { histogramSQL, stepFor } from './ask';

interface Window {
  from?: string;
  to?: string;
}

interface Bar {
  at: number;
  n: number;
  bad: number;
}

async function bars(condition: string, window: Window, signal: AbortSignal): Promise<{ step: number; bars: Bar[] }> {
  let first = window.from ? Date.parse(window.from) : Number.NaN;
  let last = window.to ? Date.parse(window.to) : Number.NaN;
  if (Number.isNaN(first) || Number.isNaN(last)) {
    const sql = `SELECT epoch_ms(min(time_dt)), epoch_ms(max(time_dt)) FROM events WHERE (${condition}\n)`;
    const ends = await got(api.POST('/api/v1/search', { body: { sql, rows: 1, ...window }, signal }));
    const [a, b] = (ends.rows?.[0] ?? []) as (number | null)[];
    if (typeof a !== 'number' || typeof b !== 'number') return { step: 1, bars: [] };
    if (Number.isNaN(first)) first = a;
    if (Number.isNaN(last)) last = b;
  }
  const step = stepFor(last - first);
  const found = await got(
    api.POST('/api/v1/search', { body: { sql: histogramSQL(condition, step), rows: 1000, ...window }, signal }),
  );
  const counted = new Map((found.rows ?? []).map((r) => [Number(r?.[0]), { n: Number(r?.[1]), bad: Number(r?.[2]) }]));
  const out: Bar[] = [];
  for (let t = Math.floor(first / step); t <= Math.floor(last / step) && out.length < 200; t++) {
    out.push({ at: t * step, n: 0, bad: 0, ...counted.get(t) });
  }
  return { step, bars: out };
}

interface HistogramProps {
  condition: string;
  window: Window;
  brush: (from: string, to: string) => void;
}

/** Histogram shows how many events there were over time, what failed darker; dragging over it narrows the time. */
export function Histogram({ condition, window, brush }: HistogramProps) {
  const box = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<[number, number]>();
  const asked = useQuery({
    queryKey: ['search', 'histogram', condition, window],
    queryFn: ({ signal }) => bars(condition, window, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const list = asked.data?.bars ?? [];
  if (list.length === 0) return <div className="histogram" aria-busy={asked.isFetching} />;
  const step = asked.data?.step ?? 1;
  const most = Math.max(...list.map((b) => b.n), 1);
  const place = (e: PointerEvent) => {
    const r = box.current?.getBoundingClientRect();
    return r ? Math.max(0, Math.min(list.length - 1, Math.floor(((e.clientX - r.left) / r.width) * list.length))) : 0;
  };
  function done() {
    const [a, b] = [...(drag ?? [0, 0])].sort((x, y) => x - y) as [number, number];
    const [first, last] = [list[a], list[b]];
    setDrag(undefined);
    if (drag && first && last) brush(new Date(first.at).toISOString(), new Date(last.at + step).toISOString());
  }
  const sum = list.reduce((n, b) => n + b.n, 0);
  return (
    <figure className="histogram" aria-label={`${count(sum)} events over time`}>
      <div
        ref={box}
        className="bars"
        onPointerDown={(e) => setDrag([place(e), place(e)])}
        onPointerMove={(e) => drag && setDrag([drag[0], place(e)])}
        onPointerUp={done}
        onPointerLeave={() => setDrag(undefined)}
      >
        {list.map((b, i) => {
          const inside = drag && i >= Math.min(...drag) && i <= Math.max(...drag);
          return (
            <div
              key={b.at}
              className={`hist ${inside ? 'inside' : ''}`}
              title={`${new Date(b.at).toLocaleString()}: ${count(b.n)} events, ${count(b.bad)} failed`}
            >
              <i style={{ height: `${(b.n / most) * 100}%` }}>
                <b style={{ height: `${b.n ? (b.bad / b.n) * 100 : 0}%` }} />
              </i>
            </div>
          );
        })}
      </div>
      <figcaption>
        <span>{new Date(list[0]?.at ?? 0).toLocaleString()}</span>
        <span>{count(sum)} events; drag to narrow the time</span>
        <span>{new Date((list.at(-1)?.at ?? 0) + step).toLocaleString()}</span>
      </figcaption>
    </figure>
  );
}
