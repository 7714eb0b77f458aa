import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Schemas } from '../api/client';
import { bytes, count } from '../ui/format';
import { visible } from '../ui/visible';

type Asked = Schemas['HuntAsked'];

/** asText is a question as one copies it, to be put again: its values stand in their places, as texts of SQL. */
export function asText(a: Pick<Asked, 'sql' | 'args'>): string {
  const values = a.args ?? [];
  return a.sql
    .split(/('(?:[^']|'')*')/)
    .map((part, i) => (i % 2 ? part : part.replace(/\$(\d+)/g, (all, n) => literal(values[Number(n) - 1]) || all)))
    .join('');
}

const literal = (value: string | undefined) => value !== undefined && `'${value.replaceAll("'", "''")}'`;

/** Sql shows by what SQL something was read, when one asks, and copies it. */
export function Sql({ asked }: { asked: Asked }) {
  const [copied, setCopied] = useState(false);
  const [open, setOpen] = useState(false);
  const text = asText(asked);
  return (
    <details className="sql" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>SQL</summary>
      {open && (
        <>
          <div className="dim">
            {count(asked.files)} files, {bytes(asked.bytes)}, {count(asked.millis)} ms{' '}
            <Button
              size="compact-xs"
              variant="subtle"
              onClick={() =>
                navigator.clipboard.writeText(text).then(
                  () => setCopied(true),
                  () => setCopied(false),
                )
              }
            >
              {copied ? 'Copied' : 'Copy'}
            </Button>
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
          <pre tabIndex={0}>{visible(text, true)}</pre>
        </>
      )}
    </details>
  );
}
