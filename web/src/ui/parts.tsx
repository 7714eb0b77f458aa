import { Alert, Badge, Button, Loader, Text, Tooltip } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useNow } from './clock';
import { ago, bytes, known, plain } from './format';
import { visible } from './visible';

/** Severity says how severe by word and colour. */
export function Severity({ level }: { level: string }) {
  return <span className={`severity ${level}`}>{level}</span>;
}

/** Time is local, and UTC on hover and for who reads by ear. */
export function Time({ at, short = false }: { at?: string | null; short?: boolean }) {
  if (!known(at)) return <>–</>;
  const d = new Date(at);
  const text = short
    ? d.toLocaleTimeString()
    : d.toLocaleString(undefined, {
        month: 'short',
        day: 'numeric',
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
      });
  return (
    <Tooltip label={`${d.toISOString()} UTC · ${d.toLocaleString()}`}>
      <time dateTime={at}>{text}</time>
    </Tooltip>
  );
}

/** Ago is how long ago, with the time on hover. */
export function Ago({ at }: { at?: string | null }) {
  const now = useNow();
  if (!known(at)) return <>–</>;
  return (
    <Tooltip label={`${new Date(at).toISOString()} UTC · ${new Date(at).toLocaleString()}`}>
      <time dateTime={at}>{ago(at, now)}</time>
    </Tooltip>
  );
}

/** longest is how much of a text is shown before one asks for more, in characters. */
const longest = 600;

/** Said is text that came from a log: what is hidden in it is shown, and a very long one is cut until one asks; lines keeps its lines. */
export function Said({ text, most = longest, lines = false }: { text: string; most?: number; lines?: boolean }) {
  const [whole, setWhole] = useState(false);
  const look = lines ? 'said lines' : 'said';
  if (whole || text.length <= most) return <span className={look}>{visible(text, lines)}</span>;
  return (
    <span className={look}>
      {visible(text.slice(0, most), lines)}…{' '}
      <button type="button" className="link" onClick={() => setWhole(true)}>
        show all ({bytes(text.length)})
      </button>
    </span>
  );
}

/** useFew shows the first of many at once, and the rest when one asks: what is long is not laid out before it is wanted. */
export function useFew(all: number, first: number): { most: number; more: ReactNode } {
  const [whole, setWhole] = useState(false);
  if (whole || all <= first) return { most: all, more: null };
  const more = (
    <button type="button" className="link" onClick={() => setWhole(true)}>
      {(all - first).toLocaleString('en')} more
    </button>
  );
  return { most: first, more };
}

/** Trouble says what went wrong and offers to try again. */
export function Trouble({ error, retry }: { error: Error; retry?: () => void }) {
  return (
    <Alert color="red" title="This did not work" role="alert" my="sm">
      <Text size="sm" className="said lines">
        {visible(error.message, true)}
      </Text>
      {retry && (
        <Button mt="sm" size="xs" variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

/** Empty says what would stand here, and what to do so that it does. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      <div>{children}</div>
    </div>
  );
}

export function Waiting({ what }: { what: string }) {
  return (
    <div className="waiting" role="status">
      <Loader size="sm" type="dots" aria-hidden /> {what}…
    </div>
  );
}

/** State is a word of the API as a quiet badge. */
export function State({ word, tone = 'gray' }: { word: string; tone?: string }) {
  return (
    <Badge variant="default" radius="sm" className={`state tone-${tone}`}>
      {plain(word)}
    </Badge>
  );
}

/** Panel is a part of a page with a title of its own. */
export function Panel({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** Scroll is a table wider than the window may be: it scrolls by itself, by keys too. */
export function Scroll({ label, panel, children }: { label: string; panel?: boolean; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard
    <section className={panel ? 'panel scroll' : 'scroll'} aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}

/** Key is a key as one sees it on the board. */
export function Key({ children }: { children: ReactNode }) {
  return <kbd className="key">{children}</kbd>;
}
