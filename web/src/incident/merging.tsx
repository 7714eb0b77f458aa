import { Modal, TextInput } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useState } from 'react';
import { api, got } from '../api/client';
import { count } from '../ui/format';
import { Ago, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';
import { Foresee, type Regrouping } from './foreseen';

/** Merging asks by typing which incident becomes a part of this one, shows what both will say, and merges them. */
export default function Merging({ incident, close, done }: Regrouping) {
  const [other, setOther] = useState<string>();
  return (
    <Modal opened onClose={close} title="Merge another incident into this one" size={other ? 'xl' : 'lg'}>
      {other ? (
        <Foresee incident={incident} step={{ merge: other }} back={() => setOther(undefined)} done={done} />
      ) : (
        <Choices uid={incident.uid} choose={setOther} />
      )}
    </Modal>
  );
}

function Choices({ uid, choose }: { uid: string; choose: (uid: string) => void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const found = useQuery({
    queryKey: ['incidents', 'merge', text],
    queryFn: ({ signal }) =>
      got(api.GET('/api/v1/incidents', { params: { query: { q: text || undefined, limit: 9 } }, signal })),
    placeholderData: keepPreviousData,
  });
  const list = (found.data?.items ?? []).filter((i) => i.uid !== uid).slice(0, 8);
  function pressed(e: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step) setAt((at + step + list.length) % Math.max(1, list.length));
    else if (e.key === 'Enter') {
      const chosen = list[at];
      if (chosen && !found.isPlaceholderData) choose(chosen.uid);
    } else return;
    e.preventDefault();
  }
  return (
    <>
      <TextInput
        data-autofocus
        label="Which incident belongs to this one"
        placeholder="Words of its headline"
        value={text}
        onChange={(e) => {
          setText(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={pressed}
        role="combobox"
        aria-expanded
        aria-controls="merge-choices"
        aria-activedescendant={list[at] ? `merge-${at}` : undefined}
      />
      {found.isPending && <Waiting what="Looking for incidents" />}
      {found.error && <Trouble error={found.error} retry={() => found.refetch()} />}
      <div id="merge-choices" role="listbox" aria-label="Incidents" className="choices">
        {list.map((i, n) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <div
            key={i.uid}
            id={`merge-${n}`}
            role="option"
            tabIndex={-1}
            aria-selected={n === at}
            onClick={() => choose(i.uid)}
          >
            <span>{visible(i.headline.slice(0, 200))}</span>
            <small>
              {i.severity}, {i.alerts === 1 ? '1 alert' : `${count(i.alerts)} alerts`}, <Ago at={i.last_seen} />
            </small>
          </div>
        ))}
      </div>
      {found.data && list.length === 0 && <p className="dim">No other incident says that. Try fewer words.</p>}
    </>
  );
}
