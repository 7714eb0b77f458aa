import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Schemas } from '../api/client';
import { entityIn } from '../entity/kinds';
import { EntityLink } from '../entity/link';
import { Sql } from '../entity/sql';
import { quoted } from '../search/ask';
import { count } from '../ui/format';
import { Empty, Panel, Said } from '../ui/parts';
import { visible } from '../ui/visible';

const atOnce = 50;

/** text is a cell as one reads it. */
function text(v: unknown): string {
  if (v === null || v === undefined) return '';
  return typeof v === 'object' ? JSON.stringify(v) : String(v);
}

/** Hits is what a run found: rows whose entities lead on, and whose events open in Search. */
export function Hits({ run: { result, found: f } }: { run: Schemas['HuntRun'] }) {
  const [most, setMost] = useState(atOnce);
  const columns = f.columns ?? [];
  const rows = f.rows ?? [];
  const uid = columns.indexOf('uid');
  return (
    <Panel
      title={result.hits === 1 ? '1 hit' : `${count(result.hits)}${result.more ? ' or more' : ''} hits`}
      aside={<span className="dim">{count(result.millis)} ms</span>}
    >
      {rows.length === 0 && <Empty title="Nothing was found">What it asks for did not happen in its time.</Empty>}
      {(f.notes ?? []).map((n) => (
        <p key={n} className="dim">
          <Said text={n} />
        </p>
      ))}
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard
        <section className="scroll" tabIndex={0} aria-label="Hits">
          <table className="grid">
            <thead>
              <tr>
                {columns.map((c) => (
                  <th key={c}>{visible(c)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, most).map((cells, r) => (
                <tr key={r}>
                  {columns.map((c, i) => {
                    const v = cells?.[i];
                    const entity = entityIn(c, v);
                    return (
                      <td key={c}>
                        {entity ? (
                          <EntityLink entity={entity} />
                        ) : i === uid ? (
                          <Link
                            to="/search"
                            search={{ filter: `metadata.uid = ${quoted(text(v))}`, event: text(v) }}
                            preload={false}
                          >
                            record
                          </Link>
                        ) : (
                          <Said text={text(v)} most={160} />
                        )}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {rows.length > most && (
        <Button size="xs" variant="default" onClick={() => setMost(most + 200)}>
          {count(rows.length - most)} more
        </Button>
      )}
      <Sql asked={f.asked} />
    </Panel>
  );
}
