import { Button, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useMay } from '../api/asks';
import { api, got, type Schemas } from '../api/client';
import { useKeys } from '../ui/keys';
import { Key, Panel, Said, Trouble } from '../ui/parts';
import { visible } from '../ui/visible';

/** DraftRule is a rule made of a hunt, to be read and mended; accepting runs its tests and writes both files. */
export function DraftRule({ draft: d }: { draft: Schemas['HuntDraft'] }) {
  const may = useMay('tend');
  const [rule, setRule] = useState(d.rule);
  const [tests, setTests] = useState(d.tests);
  const accept = useMutation({
    mutationFn: () =>
      got(api.POST('/api/v1/hunts/{uid}/rule/accept', { params: { path: { uid: d.name } }, body: { rule, tests } })),
  });
  useKeys({ t: may && !accept.isPending && !accept.isSuccess ? () => accept.mutate() : undefined });
  const top = useRef<HTMLDivElement>(null);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => top.current?.scrollIntoView({ block: 'start' }), []); // it stands below what was found
  const over = accept.isSuccess || accept.isError;
  useEffect(() => {
    if (over) end.current?.scrollIntoView({ block: 'nearest' });
  }, [over]);
  return (
    <Panel title="Draft of a rule">
      <div ref={top} className="seen-from" />
      <ul>
        {(d.notes ?? []).map((n) => (
          <li key={n}>
            <Said text={n} />
          </li>
        ))}
      </ul>
      <div className="beside">
        <Textarea
          size="xs"
          label="Rule"
          autosize
          minRows={6}
          maxRows={28}
          value={rule}
          onChange={(e) => setRule(e.currentTarget.value)}
          classNames={{ input: 'mono' }}
          spellCheck={false}
        />
        <Textarea
          size="xs"
          label="Tests, out of its hits"
          autosize
          minRows={6}
          maxRows={28}
          value={tests}
          onChange={(e) => setTests(e.currentTarget.value)}
          classNames={{ input: 'mono' }}
          spellCheck={false}
        />
      </div>
      {may ? (
        <div className="acts">
          <Button size="xs" loading={accept.isPending} disabled={accept.isSuccess} onClick={() => accept.mutate()}>
            Test and accept&nbsp;<Key>t</Key>
          </Button>
        </div>
      ) : (
        <p className="dim">Who tends rules accepts it: an engineer or an admin.</p>
      )}
      <div ref={end} className="seen-from">
        {accept.error && <Trouble error={accept.error} />}
        {accept.data && (
          <p className="good" role="status">
            Written: {(accept.data.files ?? []).map((f) => visible(f)).join(', ')}; {visible(accept.data.next)}.
          </p>
        )}
      </div>
    </Panel>
  );
}
