import { Button, Menu } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useKeys } from '../ui/keys';
import { Key } from '../ui/parts';
import { visible } from '../ui/visible';
import { type Said, toJq, toSigma } from './words';

const ways = ['SQL', 'Sigma', 'jq'] as const;
type Way = (typeof ways)[number];

interface CopyProps {
  sql: string;
  filter?: string; // undefined: the question was put in SQL
  whole: string; // the filter with what is left out beside it
}

const beside: Readonly<Record<Way, string>> = {
  SQL: 'It is what was asked; tocsin search takes it as well.',
  Sigma: 'It judges single CloudTrail records, as every rule does.',
  jq: 'It takes the lines of: tocsin search --format jsonl --limit 0 "SELECT * FROM events"',
};

/** said is the question in one of the languages. */
function said(way: Way, { sql, filter, whole }: CopyProps): Said {
  if (way === 'SQL') return { text: sql };
  if (filter === undefined)
    return { no: `What was asked in SQL cannot be put in ${way}: ask it by a filter, without SELECT.` };
  return way === 'Sigma' ? toSigma(filter) : toJq(whole);
}

/** Copy puts the question into the clipboard in another language, and shows what it put there, or says why it cannot. */
export function Copy(props: CopyProps) {
  const [open, setOpen] = useState(false);
  const [way, setWay] = useState<Way>();
  const [copied, setCopied] = useState(false);
  useKeys({ c: () => setOpen(true) });
  useEffect(() => setWay(undefined), [props.sql]);
  const s = way && said(way, props);
  function take(w: Way) {
    setWay(w);
    setCopied(false);
    const text = said(w, props).text;
    if (text)
      navigator.clipboard
        ?.writeText(text)
        .then(() => setCopied(true))
        .catch(() => {}); // it is shown all the same
  }
  return (
    <>
      <Menu opened={open} onChange={setOpen} position="bottom-start" shadow="sm">
        <Menu.Target>
          <Button size="compact-xs" variant="subtle">
            Copy as…&nbsp;<Key>c</Key>
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {ways.map((w) => (
            <Menu.Item key={w} onClick={() => take(w)}>
              {w}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {way && s && (
        <section className="panel said-as" aria-label={`As ${way}`}>
          <header>
            <h2>{s.text === undefined ? `Not as ${way}` : `As ${way}`}</h2>
            <span className="dim" role="status">
              {s.text === undefined ? '' : copied ? 'Copied.' : 'Take it from here.'}
            </span>
            <button type="button" className="link" onClick={() => setWay(undefined)}>
              close
            </button>
          </header>
          {s.text === undefined ? (
            <p>{visible(s.no)}</p>
          ) : (
            <>
              <p className="dim">{beside[way]}</p>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard */}
              <pre className="yaml" tabIndex={0}>
                {visible(s.text, true)}
              </pre>
            </>
          )}
        </section>
      )}
    </>
  );
}
