import { Button, Select, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useMe, useNames } from '../api/asks';
import { visible } from '../ui/visible';
import { type Kind, levels, statuses, verdicts } from './change';
import { given, type Narrowed, same, save, saved, type View } from './views';

const says = (o: { value: string; says: string }) => ({ value: o.value, label: o.says.split(':')[0] ?? o.value });

interface FiltersProps {
  kind: Kind;
  narrowed: Narrowed;
  set: (n: Narrowed) => void;
}

/** Filters narrow a queue, and keep a narrowing under a name. */
export function Filters({ kind, narrowed, set }: FiltersProps) {
  const me = useMe();
  const names = useNames();
  const [own, setOwn] = useState(() => saved(kind));
  const [text, setText] = useState(narrowed.q ?? '');
  useEffect(() => setText(narrowed.q ?? ''), [narrowed.q]);
  useEffect(() => {
    if (text === (narrowed.q ?? '')) return;
    const t = setTimeout(() => set({ ...narrowed, q: text || undefined }), 300);
    return () => clearTimeout(t);
  }, [text, narrowed, set]);
  const views = [...given(me.data?.kind === 'person' ? me.data.name : undefined), ...own];
  const named = views.find((v) => same(v.narrowed, narrowed));
  function keep(list: View[]) {
    save(kind, list);
    setOwn(list);
  }
  function name() {
    const called = prompt('Name of this view');
    if (called?.trim())
      keep([...own.filter((v) => v.name !== called.trim()), { name: called.trim().slice(0, 40), narrowed }]);
  }
  return (
    <div className="filters">
      <nav aria-label="Views" className="views">
        {views.map((v) => (
          <button
            key={v.name}
            type="button"
            aria-pressed={v === named}
            className="chip"
            onClick={() => set(v.narrowed)}
          >
            {visible(v.name)}
          </button>
        ))}
        {!named && (
          <Button size="compact-xs" variant="subtle" onClick={name}>
            Keep this view
          </Button>
        )}
        {named && own.includes(named) && (
          <Button size="compact-xs" variant="subtle" color="gray" onClick={() => keep(own.filter((v) => v !== named))}>
            Forget this view
          </Button>
        )}
      </nav>
      <div className="fields">
        <TextInput
          size="xs"
          aria-label="Words in title or sentence"
          placeholder="Words in it"
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
        />
        <Select
          size="xs"
          aria-label="At least so severe"
          placeholder="Any severity"
          data={levels.map(says)}
          value={narrowed.min_severity ?? null}
          onChange={(v) => set({ ...narrowed, min_severity: v ?? undefined })}
          clearable
        />
        <Select
          size="xs"
          aria-label="Status"
          placeholder="Open"
          data={[{ value: 'any', label: 'Any status' }, ...statuses.map(says)]}
          value={narrowed.status ?? null}
          onChange={(v) => set({ ...narrowed, status: v ?? undefined })}
          clearable
        />
        <Select
          size="xs"
          aria-label="Assignee"
          placeholder="Anybody"
          data={names.data ?? []}
          value={narrowed.assignee ?? null}
          onChange={(v) => set({ ...narrowed, assignee: v ?? undefined })}
          clearable
        />
        <Select
          size="xs"
          aria-label="Verdict"
          placeholder="Any verdict"
          data={verdicts.map(says)}
          value={narrowed.verdict ?? null}
          onChange={(v) => set({ ...narrowed, verdict: v ?? undefined })}
          clearable
        />
        <Select
          size="xs"
          aria-label="Order"
          data={[
            { value: 'rank', label: 'Weightiest first' },
            { value: 'newest', label: 'Newest first' },
          ]}
          value={narrowed.sort ?? 'rank'}
          onChange={(v) => set({ ...narrowed, sort: v === 'newest' ? v : undefined })}
          allowDeselect={false}
        />
      </div>
      {narrowed.incident && (
        <div className="dim">
          Only alerts of{' '}
          <Link to="/incidents/$uid" params={{ uid: narrowed.incident }}>
            one incident
          </Link>{' '}
          <button type="button" className="link" onClick={() => set({ ...narrowed, incident: undefined })}>
            show all
          </button>
        </div>
      )}
      {narrowed.rule && (
        <div className="dim">
          Only alerts of the rule {visible(narrowed.rule)}{' '}
          <button type="button" className="link" onClick={() => set({ ...narrowed, rule: undefined })}>
            show all
          </button>
        </div>
      )}
    </div>
  );
}
