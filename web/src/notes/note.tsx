import { Fragment, useMemo } from 'react';
import { visible } from '../ui/visible';
import { type Block, blocks, type Inline } from './markdown';

/** Note is what a person wrote, in Markdown. It is laid out as elements; whatever in it is hidden is shown. */
export function Note({ text }: { text: string }) {
  const all = useMemo(() => blocks(text), [text]);
  return (
    <div className="note">
      <Blocks all={all} />
    </div>
  );
}

// Parts of a note have no names and never move: their place is their key.
const at = (i: number) => `${i}`;

function Blocks({ all }: { all: readonly Block[] }) {
  return all.map((b, i) => <One key={at(i)} block={b} />);
}

function One({ block: b }: { block: Block }) {
  switch (b.kind) {
    case 'paragraph':
      return (
        <p>
          {b.lines.map((l, i) => (
            <Fragment key={at(i)}>
              {i > 0 && <br />}
              <Line of={l} />
            </Fragment>
          ))}
        </p>
      );
    case 'code':
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard
      return <pre tabIndex={0}>{visible(b.text, true)}</pre>;
    case 'quote':
      return (
        <blockquote>
          <Blocks all={b.of} />
        </blockquote>
      );
    case 'list': {
      const items = b.items.map((l, i) => (
        <li key={at(i)}>
          <Line of={l} />
        </li>
      ));
      return b.ordered ? <ol start={b.start}>{items}</ol> : <ul>{items}</ul>;
    }
  }
}

function Line({ of }: { of: readonly Inline[] }) {
  return of.map((p, i) => <Piece key={at(i)} piece={p} />);
}

function Piece({ piece: p }: { piece: Inline }) {
  switch (p.kind) {
    case 'text':
      return visible(p.text);
    case 'code':
      return <code>{visible(p.text)}</code>;
    case 'bold':
      return (
        <strong>
          <Line of={p.of} />
        </strong>
      );
    case 'italic':
      return (
        <em>
          <Line of={p.of} />
        </em>
      );
    case 'link':
      return (
        <>
          <a href={p.to} target="_blank" rel="noopener noreferrer nofollow">
            {visible(p.text) || visible(p.to)}
          </a>
          {p.text !== p.to && p.text !== p.to.replace(/\/$/, '') && (
            <span className="dim"> ({visible(p.to.slice(0, 200))})</span>
          )}
        </>
      );
  }
}
