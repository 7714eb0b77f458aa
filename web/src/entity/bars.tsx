import { visible } from '../ui/visible';

interface Bar {
  name: string; // of its time
  value: number;
  said: string; // on hover, and for who reads by ear
}

/** Bars is a picture of a figure over time; its numbers stand in each bar's title. */
export function Bars({ label, bars }: { label: string; bars: readonly Bar[] }) {
  const top = Math.max(1, ...bars.map((b) => b.value));
  const first = bars[0];
  const last = bars.at(-1);
  return (
    <figure className="daybars">
      <svg
        viewBox={`0 0 ${Math.max(12, bars.length) * 10} 100`} // one bar alone is no block
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        {bars.map((b, i) => (
          <rect key={b.name} x={i * 10 + 1} width={8} y={100 - (98 * b.value) / top} height={(98 * b.value) / top}>
            <title>{visible(b.said)}</title>
          </rect>
        ))}
      </svg>
      <figcaption className="dim">
        <span>{visible(first?.name ?? '')}</span>
        <span>up to {Math.round(top * 10) / 10}</span>
        <span>{visible(last?.name ?? '')}</span>
      </figcaption>
    </figure>
  );
}
