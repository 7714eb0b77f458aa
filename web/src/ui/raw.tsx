import { Button } from '@mantine/core';
import { useMemo, useState } from 'react';
import { bytes } from './format';
import { visible } from './visible';

/** shownAtOnce is how much of a record is laid out before one asks for all, in characters. */
const shownAtOnce = 20_000;

/** pretty lays out JSON; what is none stays as it is. */
export function pretty(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value, null, 2) ?? '';
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}

/** Raw is a record as it came, laid out, harmless and copied in one click. */
export function Raw({ value, label }: { value: unknown; label: string }) {
  const text = useMemo(() => pretty(value), [value]);
  const [whole, setWhole] = useState(false);
  const [copied, setCopied] = useState(false);
  const cut = !whole && text.length > shownAtOnce;
  async function copy() {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  }
  return (
    <figure className="raw">
      <figcaption>
        {label} <span className="dim">{bytes(text.length)}</span>
        <Button size="compact-xs" variant="subtle" onClick={() => copy().catch(() => setCopied(false))}>
          {copied ? 'Copied' : 'Copy'}
        </Button>
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
      <pre tabIndex={0}>{visible(cut ? text.slice(0, shownAtOnce) : text, true)}</pre>
      {cut && (
        <Button size="xs" variant="default" onClick={() => setWhole(true)}>
          Show all of it ({bytes(text.length)})
        </Button>
      )}
    </figure>
  );
}
